/** The recipe with real clients. Need not run alone. */
import { afterAll, expect, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { type Program, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

/** ffprobe's exit code: 0 when it could play. */
const play = async (url: string): Promise<number | string> =>
  startProgram('ffprobe', ['-v', 'error', '-rw_timeout', '5000000', url]).exited

test('protect-with-tokens', async () => {
  const doors = await freeDoors()
  const recipe = startRecipe('protect-with-tokens', [], doorsEnv(doors))
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
  )
  const said = (pattern: RegExp): string => pattern.exec(recipe.output())![1]!
  const server = said(/Server (\S+)/)
  const key = said(/Stream Key (\S+)/)
  const apiKey = said(/Bearer (\w+)" http/)
  const status = async (path: string, init: RequestInit = {}, token?: string): Promise<number> => {
    const headers = { 'content-type': 'application/sdp', ...(token && { authorization: `Bearer ${token}` }) }
    return (await fetch(`http://${doors.http}${path}`, { ...init, headers })).status
  }

  // Without the key, with a wrong one, and on a stream that the key is not for, nobody publishes.
  const refused = (url: string): Program => publishTestSource({ url, seconds: 5 })
  for (const url of [`${server}/cam`, `${server}/cam?key=wrong`, `rtmp://${doors.rtmp}/other/${key}`])
    expect(await refused(url).exited, url).not.toBe(0)

  publishTestSource({ url: `${server}/${key}` })
  await until('it is live', async () => (await status('/v1/streams/live%2Fcam', {}, apiKey)) === 200)

  // Playing wants a token, not the key.
  const flv = said(/FLV:\s+(\S+)/)
  const token = said(/FLV:\s+\S+token=(\S+)/)
  expect(await play(flv)).toBe(0)
  expect(await play(`${server}/cam?token=${token}`)).toBe(0)
  for (const url of [flv.replace(/\?.*/, ''), flv.replace(/\?.*/, `?${key.split('?')[1]}`), `${server}/cam`])
    expect(await play(url), url).not.toBe(0)

  // The viewer's token plays and does nothing else.
  const post = { method: 'POST', body: 'no SDP' }
  expect(await refused(`${server}/mine?token=${token}`).exited).not.toBe(0)
  expect(await status('/whip/live/cam', post, token)).toBe(401)
  expect(await status('/whip/guests/anna', post, token)).toBe(403)
  expect(await status('/v1/bridges', {}, token)).toBe(403)
  expect(await status('/whep/live/cam', post, token)).toBe(400)

  // The guest's publishes its one stream: 400, for "no SDP" is read only after it was let in.
  const guest = said(/Bearer Token (\S+)/)
  expect(await status('/whip/guests/anna', post, guest)).toBe(400)
  expect(await status('/whip/guests/bert', post, guest)).toBe(403)
  expect(await status('/whep/live/cam', post, guest)).toBe(403)

  // The API.
  expect([await status('/v1/bridges'), await status('/v1/bridges', {}, apiKey)]).toEqual([401, 200])

  // The link plays in a browser, and the token leaves its address bar.
  await using chromium = await launchChromium()
  const page = await chromium.open(said(/Watch:\s+(\S+)/))
  await page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0, undefined, {
    timeout: 20_000,
  })
  expect(page.url()).toBe(`http://${doors.http}/#/watch/live/cam`)

  await recipe.stop()
  expect(recipe.output()).toMatch(/"part":"access".*a key or token is wanted/)
})
