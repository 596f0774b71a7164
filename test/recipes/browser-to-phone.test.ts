import { afterAll, expect, test } from 'vitest'
import { startPhone } from '../helpers/baresip.ts'
import { launchChromium } from '../helpers/chromium.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'
import { levelDb } from '../helpers/sound.ts'

afterAll(stopPrograms)

test('browser-to-phone', async () => {
  const doors = await freeDoors()
  const phone = await startPhone('bob', { answers: true, tone: 600 })
  const env = { ...doorsEnv(doors), SIP: `127.0.0.1:${await freePort()}` }
  const recipe = startRecipe('browser-to-phone', [phone.uri], env)
  const base = `http://${doors.http}`
  await until(
    () => `the addresses: ${recipe.output()}`,
    () => recipe.output().includes('Listen: '),
  )
  expect(phone.events).toEqual([])
  await using chromium = await launchChromium()
  const page = await chromium.open(`${base}/#/publish/live/visitor`)
  await page.locator('#publish-camera').click()
  await phone.until('CALL_ESTABLISHED')
  await untilLive(base, 'calls/phone')
  const call = async () => (await (await fetch(`${base}/v1/calls`)).json()).calls[0]
  await until('sound goes both ways', async () => {
    const { media, hear, publish } = await call()
    const [sound] = media
    return (
      hear === 'live/visitor' &&
      publish === 'calls/phone' &&
      sound.received.packets > 100 &&
      sound.sent.packets > 100
    )
  })
  phone.command('hangup')
  await until(
    () => `the call ends here too: ${recipe.output()}`,
    () => recipe.output().includes('hung up by the far side'),
  )
  expect(await recipe.exited).toBe(0)
  await phone.stop()
  const { rate, samples } = phone.heard()
  const blocks = Array.from({ length: Math.floor(samples.length / rate / 0.1) }, (_, i) =>
    levelDb(samples.subarray(i * 0.1 * rate, (i + 1) * 0.1 * rate)),
  )
  expect(Math.max(...blocks)).toBeGreaterThan(-40)
})
