import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { decodeErrors } from '../helpers/flv.ts'
import { type NginxRtmp, startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, runProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'
import { gapsOf, startScriptedSink, timesOf } from '../helpers/scripted-sink.ts'

const folder = mkdtempSync(join(tmpdir(), 'restream-recipe-'))
afterAll(async () => {
  await stopPrograms()
  rmSync(folder, { recursive: true })
})
interface Leg {
  readonly to: string
  readonly state: string
  readonly lastError: string | null
  readonly retries: number
  readonly preflight: readonly { check: string; ok: boolean | null }[]
}

/** The recipe's own configuration, with the services somewhere else. */
const configured = (youtube: string, facebook: string): string => {
  const own = readFileSync(
    join(import.meta.dirname, '../../recipes/restream-youtube-facebook/crosspoint.yaml'),
    'utf8',
  )
  const path = join(folder, 'crosspoint.yaml')
  const profiles = `{ youtube: { url: '${youtube}', backup: null }, facebook: { url: '${facebook}' } }`
  writeFileSync(path, `${own}\nrestream: { profiles: ${profiles} }\n`)
  return path
}

test('restream-youtube-facebook: one service is restarted, the other misses nothing', async () => {
  const [doors, port] = [await freeDoors(), await freePort()]
  const facebook = await startScriptedSink(() => 'take')
  let youtube: NginxRtmp = await startNginxRtmp(port)
  const recipe = startRecipe('restream-youtube-facebook', [], {
    ...doorsEnv(doors),
    YOUTUBE_KEY: 'YTSECRET',
    FACEBOOK_KEY: 'FBSECRET?s=1',
    CONFIG: configured(`rtmp://127.0.0.1:${port}/live`, `rtmp://127.0.0.1:${facebook.port}/rtmp`),
  })
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
  )
  let answer = ''
  const legs = async (): Promise<readonly Leg[]> => {
    answer = await (await fetch(`http://${doors.http}/v1/bridges`)).text()
    return (JSON.parse(answer) as { bridges: { legs: Leg[] }[] }).bridges[0]!.legs
  }
  const states = async (): Promise<string> => (await legs()).map(({ state }) => state).join(' ')
  await until(
    () => `both wait for the stream: ${answer}`,
    async () => (await states()) === 'backoff backoff',
  )

  publishTestSource({ url: `rtmp://${doors.rtmp}/live/cam` })
  await until(
    () => `both are live: ${answer}`,
    async () => (await states()) === 'live live',
  )
  await until('Facebook has four seconds', () => timesOf(facebook.connections[0]!, 9).length > 120)
  await youtube.stop()
  await until(
    () => `YouTube is missed: ${answer}`,
    async () => (await states()) === 'backoff live',
  )
  youtube = await startNginxRtmp(port)
  await until(
    () => `YouTube is back: ${answer}`,
    async () => (await states()) === 'live live',
  )
  const out = join(folder, 'youtube.flv')
  const watch = ['-v', 'error', '-i', youtube.url('YTSECRET'), '-t', '2', '-c', 'copy', out]
  await runProgram('ffmpeg', watch)
  expect(await decodeErrors(out)).toBe('')

  expect(facebook.connections).toHaveLength(1)
  expect(facebook.connections[0]!.key).toBe('FBSECRET?s=1')
  expect(gapsOf(timesOf(facebook.connections[0]!, 9)).longest).toBeLessThanOrEqual(40)
  const [first, second] = await legs()
  expect(first!.retries).toBeGreaterThan(0)
  expect(second).toMatchObject({ retries: 0, lastError: null })
  expect(second!.preflight.find(({ check }) => check === 'keyframes')!.ok).toBe(true)
  expect(answer + recipe.output()).not.toMatch(/YTSECRET|FBSECRET/)

  recipe.child.kill('SIGTERM')
  expect(await recipe.exited).toBe(0)
  await Promise.all([youtube.stop(), facebook.close()])
})
