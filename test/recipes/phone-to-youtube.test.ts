import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startPhone } from '../helpers/baresip.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, runProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'
import { frequencyOf, runFfmpeg } from '../helpers/sound.ts'

const folder = mkdtempSync(join(tmpdir(), 'phone-recipe-'))
afterAll(async () => {
  await stopPrograms()
  rmSync(folder, { recursive: true })
})

test('phone-to-youtube', async () => {
  const [doors, youtube] = [await freeDoors(), await startNginxRtmp()]
  const own = readFileSync(
    join(import.meta.dirname, '../../recipes/phone-to-youtube/crosspoint.yaml'),
    'utf8',
  )
  const config = join(folder, 'crosspoint.yaml')
  const profiles = `{ youtube: { url: 'rtmp://127.0.0.1:${youtube.port}/live', backup: null } }`
  writeFileSync(config, `${own}\nrestream: { profiles: ${profiles} }\n`)
  const sip = `127.0.0.1:${await freePort()}`
  const env = { ...doorsEnv(doors), SIP: sip, YOUTUBE_KEY: 'YTSECRET', CONFIG: config }
  const recipe = startRecipe('phone-to-youtube', [], env)
  await until(
    () => `it is ready: ${recipe.output()}`,
    () => recipe.output().includes(`On air by: sip:1000@${sip}`),
  )
  const phone = await startPhone('caller', { tone: 500 })
  phone.dial(`sip:1000@${sip}`)
  await phone.until('CALL_ESTABLISHED')
  await untilLive(`http://${doors.http}`, 'live/show')

  // A second caller is told that it is busy.
  const second = await startPhone('second')
  second.dial(`sip:1000@${sip}`)
  await until(
    () => `486: ${second.program.output()}`,
    () => second.events.some(({ type, param }) => type === 'CALL_CLOSED' && param.includes('486')),
  )
  await second.stop()

  // What YouTube's viewers get: a picture, and the phone.
  const url = youtube.url('YTSECRET')
  const mono = ['-t', '2', '-map', '0:a', '-ac', '1', '-ar', '8000', '-f', 'f32le', 'pipe:1']
  const raw = await runFfmpeg(['-i', url, ...mono])
  const sound = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + (raw.length & ~3)))
  expect(frequencyOf(sound.subarray(4000), 8000)).toBeCloseTo(500, -1)
  const packets = ['-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0']
  const times = await runProgram('ffprobe', ['-v', 'error', '-read_intervals', '%+3', ...packets, url])
  expect(times.trim().split('\n').length).toBeGreaterThan(30)

  phone.command('hangup')
  await until('the show ends', async () =>
    (await (await fetch(`http://${doors.http}/v1/streams`)).json()).streams.every(
      ({ name }: { name: string }) => name !== 'calls/studio',
    ),
  )
  await phone.stop()
  const { rate, samples } = phone.heard()
  // The first note of the greeting.
  const start = samples.findIndex(sample => Math.abs(sample) > 0.05)
  expect(frequencyOf(samples.subarray(start + rate * 0.05, start + rate * 0.25), rate)).toBeCloseTo(660, -1)
  await recipe.stop()
  await youtube.stop()
  expect(recipe.output()).not.toContain('YTSECRET')
})
