/** Any bytes as a transport stream: frames and counted damage, never an exception, never times that run back. */
import { expect, test } from 'vitest'
import { joinAnnexB } from '../../src/media/nal.ts'
import { TsDemuxer } from '../../src/media/ts/demuxer.ts'
import { mpegCrc } from '../../src/media/ts/section-reader.ts'
import type { H264Parameters } from '../../src/media/types.ts'
import { fixture, h264Frames } from '../helpers/media-fixtures.ts'
import { createRandom, mutate, type Random } from '../helpers/random.ts'
import { section, TsMuxer } from '../helpers/ts.ts'

/** Short units: what is parsed stands in front. */
const pictures = h264Frames('h264-bframes')
  .slice(0, 4)
  .map(({ params, units, pts, dts }) => {
    const { sps, pps } = params as H264Parameters
    const data = joinAnnexB([sps!, ...pps, ...units.map(unit => unit.subarray(0, 60))])
    return { data, pts: pts + 9000, dts: dts + 9000 }
  })
const sound = fixture('aac-48000-mono.aac').subarray(0, 600)
const opus = Uint8Array.of(0x7f, 0xe0, 4, 0xfc, 1, 2, 3, 0x7f, 0xf8, 4, 0, 0, 0, 0, 0xfc, 1, 2, 3)
const descriptors = [5, 4, ...Buffer.from('Opus'), 0x7f, 2, 0x80, 2]
const streams = [
  { pid: 0x100, type: 0x1b },
  { pid: 0x101, type: 0x0f },
  { pid: 0x102, type: 0x06, descriptors },
  { pid: 0x103, type: 0x03 },
]

const seed = (): Uint8Array => {
  const mux = new TsMuxer()
  const parts = [mux.tables(streams)]
  for (const { data, pts, dts } of pictures) {
    parts.push(mux.pes(0x100, data, { pts, dts }))
    parts.push(mux.pes(0x101, sound, { pts, bounded: true }))
    parts.push(mux.pes(0x102, opus, { pts, bounded: true }))
    parts.push(mux.pes(0x103, sound.subarray(0, 150), { pts, bounded: true }))
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** Right checksums over wrong tables, so that what lies behind them is tried too. */
const wildTables = (mux: TsMuxer, random: Random): Uint8Array => {
  const map = [0xe1, 0, 0xf0, 0, ...streams.flatMap(s => [s.type, 0xe1, s.pid & 255, 0xf0, 0])]
  const body = mutate(Uint8Array.from(map), random)
  const pat = mutate(Uint8Array.of(0, 1, 0xf0, 0), random)
  return Buffer.concat([
    mux.section(0, section(0, 1, random(32), [...pat.subarray(0, 900)])),
    mux.section(0x1000, section(2, 1, random(32), [...body.subarray(0, 900)])),
  ])
}

test('24 000 mutated transport streams', () => {
  const random = createRandom(17)
  const whole = seed()
  let [frames, damage] = [0, 0]
  for (let round = 0; round < 24_000; round++) {
    const last = new Map<string, number>()
    const demuxer = new TsDemuxer({
      onProgram: () => {},
      onTrack: () => {},
      onParams: id => void last.delete(id),
      onFrame: (id, frame) => {
        frames += 1
        const before = last.get(id) ?? Number.NEGATIVE_INFINITY
        if (!Number.isSafeInteger(frame.pts) || !Number.isSafeInteger(frame.dts) || frame.dts < before)
          throw new Error(`${id}: pts ${frame.pts}, dts ${frame.dts} after ${before}`)
        last.set(id, frame.dts)
      },
      onDamage: () => {
        damage += 1
      },
    })
    const tables = round % 3 === 0 ? wildTables(new TsMuxer(), random) : new Uint8Array(0)
    const bytes = new Uint8Array(Buffer.concat([tables, mutate(whole, random)]))
    const step = random(2) === 0 ? 1316 : 1 + random(2000)
    for (let at = 0; at < bytes.length; at += step)
      demuxer.push(bytes, at, Math.min(bytes.length, at + step), round * 1000)
    demuxer.end()
    if (Object.keys(demuxer.damage).length > 65) throw new Error('too many causes')
  }
  expect(mpegCrc(section(0, 1, 0, [0, 1, 0xf0, 0]), 0, 16)).toBe(0)
  expect(frames).toBeGreaterThan(40_000)
  expect(damage).toBeGreaterThan(24_000)
})
