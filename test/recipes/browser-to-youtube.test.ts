import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'
import { startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { runProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

const folder = mkdtempSync(join(tmpdir(), 'restream-recipe-'))
afterAll(async () => {
  await stopPrograms()
  rmSync(folder, { recursive: true })
})

test('browser-to-youtube', async () => {
  const [doors, youtube] = [await freeDoors(), await startNginxRtmp()]
  const own = readFileSync(
    join(import.meta.dirname, '../../recipes/browser-to-youtube/crosspoint.yaml'),
    'utf8',
  )
  const config = join(folder, 'crosspoint.yaml')
  const profiles = `{ youtube: { url: 'rtmp://127.0.0.1:${youtube.port}/live', backup: null } }`
  writeFileSync(config, `${own}\nrestream: { profiles: ${profiles} }\n`)
  const recipe = startRecipe('browser-to-youtube', [], {
    ...doorsEnv(doors),
    YOUTUBE_KEY: 'YTSECRET',
    CONFIG: config,
  })
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
  )
  const address = /http:\/\/\S+#\/publish\/live\/studio/.exec(recipe.output())![0]
  await using chromium = await launchChromium()
  const page = await chromium.open(address)
  await page.locator('#publish-camera').click()
  await page.locator('.status').getByText('Live as live/studio').waitFor({ timeout: 20_000 })

  interface Leg {
    readonly state: string
    readonly bytes: number
    readonly preflight: readonly { check: string; ok: boolean | null; repair: string | null }[]
  }
  let answer = ''
  const leg = async (): Promise<Leg> => {
    answer = await (await fetch(`http://${doors.http}/v1/bridges`)).text()
    return (JSON.parse(answer) as { bridges: { legs: Leg[] }[] }).bridges[0]!.legs[0]!
  }
  await until(
    () => `YouTube gets it: ${answer}`,
    async () => (await leg()).state === 'live',
    20_000,
  )
  // Ten seconds as YouTube has them: every packet with its time.
  const packets = await runProgram('ffprobe', [
    ...['-v', 'error', '-show_entries', 'packet=codec_type,pts_time,flags', '-of', 'csv=p=0'],
    ...['-read_intervals', '%+10', youtube.url('YTSECRET')],
  ])
  const rows = packets
    .trim()
    .split('\n')
    .map(line => line.split(','))
  const timesOf = (kind: string, key: boolean): number[] =>
    rows
      .filter(row => row[0] === kind && (!key || row[2]!.includes('K')))
      .map(row => Number(row[1]))
      .sort((a, b) => a - b)
  const longest = (times: readonly number[]): number =>
    Math.max(...times.slice(1).map((time, i) => time - times[i]!))
  const keys = timesOf('video', true)
  expect(keys.length).toBeGreaterThan(3)
  // Asked for every two seconds; a busy browser takes a moment. Without being asked it would send none.
  expect(longest(keys)).toBeLessThan(3)
  expect(longest(timesOf('audio', false))).toBeLessThan(0.2)
  const checks = Object.fromEntries((await leg()).preflight.map(check => [check.check, check]))
  expect(checks.audio).toMatchObject({ ok: false, repair: 'transcoded to aac' })
  expect(checks.keyframes).toMatchObject({ ok: true, repair: 'the source is asked for them' })
  expect(answer + recipe.output()).not.toContain('YTSECRET')

  recipe.child.kill('SIGTERM')
  expect(await recipe.exited).toBe(0)
  await youtube.stop()
})
