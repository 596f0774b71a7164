import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { decoded } from '../helpers/flashes.ts'
import { startProgram, stopPrograms } from '../helpers/program.ts'
import { freePairs } from '../helpers/rtp-gateway.ts'

afterAll(stopPrograms)

const script = join(import.meta.dirname, '../../recipes/gstreamer-in-and-out/run.sh')

test('gstreamer-in-and-out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crosspoint-recipe-'))
  const [from, to] = [await freePairs(2), await freePairs(2)]
  const recipe = startProgram(
    'env',
    [
      ...[`IN=127.0.0.1:${from}`, `OUT=127.0.0.1:${to}`],
      ...[`PATH=${join(process.execPath, '..')}:${process.env.PATH}`, 'sh', script, '6'],
    ],
    { cwd: folder },
  )
  const code = await recipe.exited
  expect(`${code} ${recipe.output()}`).toBe('0 Recorded: received.mkv\n')
  const { pictures, seconds } = await decoded(join(folder, 'received.mkv'), 30)
  expect(pictures).toBeGreaterThan(30)
  expect(seconds).toBeGreaterThan(1)
  await rm(folder, { recursive: true })
}, 60_000)
