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

/** Kills the recorder when it has said that more than `target` tags are in the file; returns how many it said in the end. */
const recordAndKill = async (path: string, target: number): Promise<number> => {
  const recorder = spawn(process.execPath, [child, film, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  const last = (): number => Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1))
  recorder.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (last() > target) recorder.kill('SIGKILL')
  })
  const [, signal] = (await once(recorder, 'close')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  return last()
}

test('killed at random points', async () => {
  const random = createRandom(7)
  const { tags } = parseFlv(await readFile(film))
  for (let kill = 0; kill < KILLS; kill += 1) {
    const path = join(folder, `${kill}.flv`)
    const written = await recordAndKill(path, 5 + random(120))
    const parsed = parseFlv(await readFile(path))
    expect(parsed.damage.filter(([cause]) => cause !== 'truncated at the end')).toEqual([])
    expect(parsed.tags.length).toBeGreaterThanOrEqual(written)
    expect(parsed.tags.map(({ body }) => body.length)).toEqual(
      tags.slice(0, parsed.tags.length).map(({ body }) => body.length),
    )
    expect(await decodeErrors(path)).toBe('')
  }
})
