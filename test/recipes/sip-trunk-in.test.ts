import { afterAll, expect, test } from 'vitest'
import { startPhone } from '../helpers/baresip.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

test('sip-trunk-in', async () => {
  const doors = await freeDoors()
  const sip = `127.0.0.1:${await freePort()}`
  const env = { ...doorsEnv(doors), SIP: sip, ROOM_PIN: '4711' }
  const recipe = startRecipe('sip-trunk-in', ['127.0.0.1'], env)
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
  )
  expect(recipe.output()).toContain('admitted by rooms')
  expect(recipe.output()).toMatch(/403 Forbidden: .*account: it came by none, not by carrier/)
  const base = `http://${doors.http}`
  const calls = async () => (await (await fetch(`${base}/v1/calls`)).json()).calls

  // A number with a room.
  const caller = await startPhone('49301')
  caller.dial(`sip:+493055542@${sip}`)
  await caller.until('CALL_ESTABLISHED')
  const [call] = await calls()
  expect(call).toMatchObject({ account: 'carrier', route: 'rooms', publish: `rooms/42/${call.id}` })
  await untilLive(base, call.publish)
  caller.command('hangup')
  await caller.until('CALL_CLOSED')

  // A number that nobody has.
  caller.dial(`sip:+493099999@${sip}`)
  await until(
    () => `404: ${caller.program.output()}`,
    () => caller.events.some(({ type, param }) => type === 'CALL_CLOSED' && param.includes('404')),
  )

  // The meeting: a PIN first, the second one is right.
  caller.dial(`sip:493055500@${sip}`)
  await caller.until('CALL_ESTABLISHED', 2)
  const meeting = async () => (await calls()).find(({ state }: { state: string }) => state === 'live')
  const { id } = await meeting()
  const publish = `rooms/meeting/${id}`
  expect(await meeting()).toMatchObject({ route: 'meeting', waitsFor: 'pin', publish: null })
  const isThere = async () =>
    (await fetch(`${base}/v1/streams/${encodeURIComponent(publish)}`)).status === 200
  await caller.press('12#')
  expect(await isThere()).toBe(false)
  await caller.press('4711#')
  await untilLive(base, publish)
  expect(await meeting()).toMatchObject({ waitsFor: null, publish })
  expect(recipe.output()).not.toContain('"4711')
  await caller.stop()
  await recipe.stop()
})
