/** A recording whose process is killed at any moment plays up to the last tag. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clip } from '../helpers/clip.ts'
import { decodeErrors, parseFlv } from '../helpers/flv.ts'
import { createRandom } from '../helpers/random.ts'

const KILLS = 8
const child = join(import.meta.dirname, '..', 'helpers', 'flv-record-child.ts')

let folder: string
let film: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flv-kill-'))
  film = await clip({ seconds: 4 })
})
afterAll(() => rm(folder, { recursive: true }))

/** Kills the recorder when it has handed over `target` tags; returns how many it had in the end. */
const recordAndKill = async (path: string, target: number): Promise<number> => {
  const recorder = spawn(process.execPath, [child, film, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  recorder.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (said.split('\n').length > target) recorder.kill('SIGKILL')
  })
  const [, signal] = (await once(recorder, 'close')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  return Number(said.trim().split('\n').at(-1))
}

test('killed at random points', async () => {
  const random = createRandom(7)
  const { tags } = parseFlv(await readFile(film))
  for (let kill = 0; kill < KILLS; kill += 1) {
    const path = join(folder, `${kill}.flv`)
    const handed = await recordAndKill(path, 5 + random(120))
    const parsed = parseFlv(await readFile(path))
    expect(parsed.damage.filter(([cause]) => cause !== 'truncated at the end')).toEqual([])
    expect(handed - parsed.tags.length).toBeLessThanOrEqual(1)
    expect(parsed.tags.map(({ body }) => body.length)).toEqual(
      tags.slice(0, parsed.tags.length).map(({ body }) => body.length),
    )
    expect(await decodeErrors(path)).toBe('')
  }
})
