/** Any tags and any files: frames, counted damage or a coded error, nothing else, in bounded memory. */
import { expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { writeMetadata } from '../../src/media/flv/metadata.ts'
import { createFlvReader } from '../../src/media/flv/reader.ts'
import { tagRole } from '../../src/media/flv/tag-role.ts'
import type { FlvTag } from '../../src/media/flv/types.ts'
import { byTime, fileOf, parseFlv, tagsOf } from '../helpers/flv.ts'
import {
  aacFrames,
  av1Frames,
  h264Frames,
  h265Frames,
  opusFrames,
  vp8Frames,
  vp9Frames,
} from '../helpers/media-fixtures.ts'
import { createRandom, mutate } from '../helpers/random.ts'

/** Long bodies make mutation slow and find nothing new: what is parsed stands in front. */
const short = (tag: FlvTag): FlvTag => ({ ...tag, body: tag.body.slice(0, 160) })
const films = [
  h264Frames('h264-bframes'),
  h265Frames(),
  av1Frames(),
  vp8Frames(),
  vp9Frames(),
  opusFrames(),
  aacFrames('aac-48000-mono'),
]
const seeds = [
  ...films.flatMap(frames => [0, 2].flatMap(number => tagsOf(frames.slice(0, 3), number))),
  { type: 18 as const, timestampMs: 0, body: writeMetadata(films.map(frames => frames[0]!.params)) },
].map(short)

test('150 000 mutated tags through readers', () => {
  const random = createRandom(5)
  let frames = 0
  let damage = 0
  let reader = createFlvReader({ onTrack() {}, onParams() {}, onFrame() {}, onMetadata() {}, onDamage() {} })
  for (let round = 0; round < 150_000; round += 1) {
    if (round % 500 === 0) {
      expect(Object.keys(reader.damage).length).toBeLessThanOrEqual(65)
      let last = new Map<string, number>()
      reader = createFlvReader({
        onTrack: () => {},
        onParams: id => void last.delete(id),
        onFrame: (id, frame) => {
          frames += 1
          const before = last.get(id) ?? Number.NEGATIVE_INFINITY
          if (!Number.isSafeInteger(frame.pts) || !Number.isSafeInteger(frame.dts) || frame.dts < before) {
            throw new Error(`${id}: pts ${frame.pts}, dts ${frame.dts} after ${before}`)
          }
          last = last.set(id, frame.dts)
        },
        onMetadata: () => {},
        onDamage: () => {
          damage += 1
        },
      })
    }
    const seed = seeds[random(seeds.length)]!
    const timestampMs = random(3) === 0 ? random(2 ** 32) : round * 10
    const tag: FlvTag = {
      type: seed.type,
      timestampMs,
      body: random(5) === 0 ? seed.body : mutate(seed.body, random),
    }
    tagRole(tag)
    reader.push(tag, round * 10_000)
  }
  expect(frames).toBeGreaterThan(10_000)
  expect(damage).toBeGreaterThan(10_000)
})

test('3 000 mutated files through parser and reader', () => {
  const random = createRandom(9)
  const tags = byTime(films.slice(0, 2).flatMap(frames => tagsOf(frames.slice(0, 6)))).map(short)
  const file = fileOf(tags)
  let found = 0
  let refused = 0
  for (let round = 0; round < 3_000; round += 1) {
    try {
      const parsed = parseFlv(mutate(file, random), 1 + random(800))
      found += parsed.tags.length
      for (const { body } of parsed.tags) expect(body.length).toBeLessThanOrEqual(file.length * 2)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      refused += 1
    }
  }
  expect(found).toBeGreaterThan(3_000 * 5)
  expect(refused).toBeLessThan(600)
})
