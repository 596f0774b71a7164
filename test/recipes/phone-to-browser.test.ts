import { afterAll, expect, test } from 'vitest'
import { startPhone } from '../helpers/baresip.ts'
import { launchChromium } from '../helpers/chromium.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'
import { levelDb } from '../helpers/sound.ts'

afterAll(stopPrograms)

test('phone-to-browser', async () => {
  const doors = await freeDoors()
  const sip = `127.0.0.1:${await freePort()}`
  const recipe = startRecipe('phone-to-browser', [], { ...doorsEnv(doors), SIP: sip })
  const base = `http://${doors.http}`
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
  )
  const addressOf = (line: string): string => new RegExp(`${line}: +(\\S+)`).exec(recipe.output())![1]!
  const phone = await startPhone('phone', { tone: 700 })
  phone.dial(addressOf('Call'))
  await untilLive(base, 'calls/phone')

  await using chromium = await launchChromium()
  const page = await chromium.open(addressOf('Listen'))
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  /** The loudest frequency of what the page plays, in hertz. */
  const heard = (): Promise<number> =>
    page.evaluate(async () => {
      const media = (document.querySelector('#player') as HTMLVideoElement).srcObject as MediaStream | null
      if (media === null || media.getAudioTracks().length === 0) return 0
      const context = new AudioContext({ sampleRate: 48_000 })
      const analyser = new AnalyserNode(context, { fftSize: 32_768, smoothingTimeConstant: 0 })
      context.createMediaStreamSource(media).connect(analyser)
      await new Promise(resolve => setTimeout(resolve, 900))
      const bins = new Float32Array(analyser.frequencyBinCount)
      analyser.getFloatFrequencyData(bins)
      await context.close()
      const best = bins.reduce((found, level, i) => (level > bins[found]! ? i : found), 0)
      return (best * 48_000) / 32_768
    })
  let hertz = 0
  await until(
    () => `the phone's tone in the browser, not ${hertz} Hz`,
    async () => {
      hertz = await heard()
      return Math.abs(hertz - 700) < 5
    },
  )

  const studio = await chromium.open(addressOf('Talk'))
  await studio.locator('#publish-camera').click()
  await studio.locator('.status').getByText('Live as live/studio').waitFor({ timeout: 20_000 })
  const calls = async () => (await (await fetch(`${base}/v1/calls`)).json()).calls
  await until('the phone hears the browser', async () => {
    const { subscribers } = await (await fetch(`${base}/v1/streams/live%2Fstudio`)).json()
    return subscribers.some((each: { label: string }) => each.label.startsWith('sip '))
  })
  const before = (await calls())[0].media[0].sent.packets
  await until('a second of it', async () => (await calls())[0].media[0].sent.packets > before + 75)
  phone.command('hangup')
  await until('the end', async () => (await calls())[0].state === 'ended')
  await phone.stop()
  const { rate, samples } = phone.heard()
  // Chromium's fake microphone beeps once a second.
  const loudest = Math.max(
    ...Array.from({ length: Math.floor(samples.length / rate / 0.1) }, (_, i) =>
      levelDb(samples.subarray(i * 0.1 * rate, (i + 1) * 0.1 * rate)),
    ),
  )
  expect(loudest).toBeGreaterThan(-40)
  await recipe.stop()
})
