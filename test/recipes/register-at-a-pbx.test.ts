import { afterAll, expect, test } from 'vitest'
import { startPhone } from '../helpers/baresip.ts'
import { publishTestSource, untilLive } from '../helpers/crosspoint.ts'
import { startKamailio } from '../helpers/kamailio.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'
import { frequencyOf, runFfmpeg } from '../helpers/sound.ts'

afterAll(stopPrograms)

test('register-at-a-pbx', async () => {
  const doors = await freeDoors()
  const kamailio = await startKamailio()
  const pbx = `127.0.0.1:${kamailio.port}`
  const recipe = startRecipe('register-at-a-pbx', [`sip:door@${pbx}`], {
    ...doorsEnv(doors),
    SIP: `127.0.0.1:${await freePort()}`,
    SIP_PASSWORD: 'secret-door',
  })
  const base = `http://${doors.http}`
  const get = async (path: string): Promise<string> =>
    (await fetch(`${base}${path}`).catch(() => undefined))?.text() ?? ''
  await until(
    () => `it is registered: ${recipe.output()}`,
    async () => (await get('/v1/accounts')).includes('"state":"registered"'),
    30_000,
  )
  expect(await get('/metrics')).toMatch(/crosspoint_sip_accounts\{state="registered"\} 1/)
  publishTestSource({ url: `rtmp://${doors.rtmp}/live/cam`, size: '160x120' })
  await untilLive(base, 'live/cam')

  /** Hertz of what a player of the stream hears. */
  const played = async (stream: string): Promise<number> => {
    const input = ['-i', `${base}/${stream}.flv`, '-t', '1.5', '-vn', '-ac', '1', '-ar', '8000']
    const raw = await runFfmpeg([...input, '-f', 'f32le', 'pipe:1'])
    return frequencyOf(
      new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + (raw.length & ~3))),
      8000,
    )
  }

  const phone = await startPhone('phone', {
    password: 'secret-phone',
    registrar: pbx,
    answers: true,
    tone: 700,
  })
  await until('the phone is registered', () => phone.program.output().includes('200 OK (Kamailio)'))
  // It calls the extension.
  phone.dial(`sip:door@${pbx}`)
  await untilLive(base, 'calls/phone')
  expect(await played('calls/phone')).toBeCloseTo(700, -1)
  phone.command('hangup')
  await phone.until('CALL_CLOSED')

  // It is called through the PBX.
  const dial = { to: `sip:phone@${pbx}`, publish: 'calls/out', hear: 'live/cam' }
  const answer = await fetch(`${base}/v1/calls`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(dial),
  })
  expect(await answer.json()).toMatchObject({ account: 'pbx', direction: 'outbound' })
  await untilLive(base, 'calls/out')
  expect(await played('calls/out')).toBeCloseTo(700, -1)
  await phone.stop()
  const { rate, samples } = phone.heard()
  expect(frequencyOf(samples.subarray(-rate), rate)).toBeCloseTo(1000, -1)

  // It gives its registration back.
  await recipe.stop()
  const late = await startPhone('late', { password: 'secret-late', registrar: pbx })
  late.dial(`sip:door@${pbx}`)
  await until(
    () => late.program.output(),
    () => late.events.some(({ type, param }) => type === 'CALL_CLOSED' && param.includes('404')),
  )
  await late.stop()
  await kamailio.stop()
  expect(recipe.output()).not.toContain('secret-door')
})
