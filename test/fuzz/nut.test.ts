/** Any bytes: frames or one damage, never an exception, never more memory than came in. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nutChecksum, START_CODES } from '../../src/media/nut/codes.ts'
import { NutInput } from '../../src/media/nut/input.ts'
import { createNutReader } from '../../src/media/nut/reader.ts'
import { createRandom, mutate } from '../helpers/random.ts'

const seeds = ['opus.nut', 'mp3-elided-headers.nut'].map(name =>
  Uint8Array.from(readFileSync(join(import.meta.dirname, '..', 'fixtures', 'nut', name))),
)

/** Right checksums over wrong headers, so that the parsers behind the checksum are tried too. */
const repaired = (bytes: Uint8Array): Uint8Array => {
  const buffer = Buffer.from(bytes)
  for (const code of Object.values(START_CODES)) {
    const at = buffer.indexOf(code)
    if (at < 0) continue
    const input = new NutInput(buffer, at + 8, buffer.length)
    const end = input.v() + input.at - 4
    if (end > input.at && end + 4 <= buffer.length)
      buffer.writeUInt32BE(nutChecksum(buffer, input.at, end), end)
  }
  return buffer
}

test.each(seeds.map((seed, i) => [i, seed] as const))('15 000 mutations of NUT %i', (_, seed) => {
  const random = createRandom(3)
  let [clean, damaged] = [0, 0]
  for (let round = 0; round < 15_000; round++) {
    const bytes = round % 4 === 0 ? mutate(seed, random) : repaired(mutate(seed, random))
    let [frames, damages, handedOn] = [0, 0, 0]
    const reader = createNutReader({
      onStream: () => {},
      onFrame: (_id, pts, _key, data) => {
        frames += 1
        handedOn += data.length
        if (Number.isNaN(pts)) throw new Error('a time that is no number')
      },
      onDamage: () => {
        damages += 1
      },
    })
    const step = 1 + random(bytes.length)
    for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step))
    // Elision adds at most a few bytes per frame to what came in.
    expect(handedOn).toBeLessThanOrEqual(bytes.length + frames * 1024)
    expect(damages).toBeLessThanOrEqual(1)
    if (damages > 0) damaged += 1
    else clean += 1
  }
  expect(clean).toBeGreaterThan(500)
  expect(damaged).toBeGreaterThan(500)
})
