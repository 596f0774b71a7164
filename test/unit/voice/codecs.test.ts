/** G.711, G.722, L16 and resampling, with ffmpeg as the reference. */
import { describe, expect, test } from 'vitest'
import { decodeG711, encodeG711, lawOf } from '../../../src/media/g711/law.ts'
import { G722Decoder } from '../../../src/media/g722/decoder.ts'
import { G722Encoder } from '../../../src/media/g722/encoder.ts'
import { withChannels } from '../../../src/media/pcm/channels.ts'
import { decodeL16, encodeL16 } from '../../../src/media/pcm/l16.ts'
import { Resampler } from '../../../src/media/pcm/resampler.ts'
import { createRandom } from '../../helpers/random.ts'
import { levelDb, runFfmpeg, worstResidualDb } from '../../helpers/sound.ts'

const bytesOf = (pcm: Int16Array): Uint8Array => new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength)
const pcmOf = (bytes: Buffer): Int16Array =>
  new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
const raw = (format: string, rate: number): string[] => [
  '-f',
  format,
  '-ar',
  `${rate}`,
  '-ac',
  '1',
  '-i',
  'pipe:0',
]

/** Sweeps, a second voice, noise, and a stretch at full scale. */
const lively = (length: number): Int16Array => {
  const random = createRandom(5)
  return Int16Array.from({ length }, (_, i) => {
    const loud = i > length * 0.8 ? 2.2 : 1
    const sound =
      9000 * Math.sin(i * 0.17 * (1 + i / length)) + 4000 * Math.sin(i * 1.3) + random(2000) - 1000
    return Math.max(-32_768, Math.min(32_767, Math.round(sound * loud)))
  })
}

describe('G.711', () => {
  test.each([
    ['pcmu', 'mulaw'],
    ['pcma', 'alaw'],
  ] as const)('%s: each code is the sample that ffmpeg makes of it', async (codec, format) => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code)
    const theirs = pcmOf(await runFfmpeg([...raw(format, 8000), '-f', 's16le', 'pipe:1'], codes))
    expect(decodeG711(lawOf(codec), codes)).toEqual(theirs)
  })

  test.each(['pcmu', 'pcma'] as const)(
    '%s: each sample gets the nearest code, and codes stay what they are',
    codec => {
      const law = lawOf(codec)
      const levels = [...law.samples].sort((a, b) => a - b)
      const every = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768)
      const back = decodeG711(law, encodeG711(law, every))
      let at = 0
      for (let i = 0; i < every.length; i++) {
        while (at + 1 < 256 && Math.abs(levels[at + 1]! - every[i]!) <= Math.abs(levels[at]! - every[i]!))
          at++
        const least = Math.abs(levels[at]! - every[i]!)
        // Where two segments meet, the Recommendation's decision value is not the middle.
        expect(Math.abs(back[i]! - every[i]!) - least).toBeLessThanOrEqual(2 + Math.abs(every[i]!) / 32)
      }
      const codes = Uint8Array.from({ length: 256 }, (_, code) => code).filter(
        code => law.samples[code] !== 0,
      )
      expect(encodeG711(law, decodeG711(law, codes))).toEqual(codes)
    },
  )

  test('silence', () => {
    expect([lawOf('pcmu').silence, lawOf('pcma').silence]).toEqual([0xff, 0xd5])
  })
})

describe('G.722', () => {
  const pcm = lively(48_000)

  test('encodes bit for bit as ffmpeg does, in blocks of any even length', async () => {
    const theirs = await runFfmpeg(
      [...raw('s16le', 16_000), '-c:a', 'g722', '-f', 'g722', 'pipe:1'],
      bytesOf(pcm),
    )
    const encoder = new G722Encoder()
    const ours: number[] = []
    for (let at = 0, i = 0; at < pcm.length; i++) {
      const next = Math.min(pcm.length, at + [320, 2, 160, 962][i % 4]!)
      ours.push(...encoder.encode(pcm.subarray(at, next)))
      at = next
    }
    expect(Buffer.from(ours).equals(theirs)).toBe(true)
  })

  test('decodes bit for bit as ffmpeg does, also what no encoder made', async () => {
    const random = createRandom(9)
    const codes = Buffer.concat([
      new G722Encoder().encode(pcm),
      Uint8Array.from({ length: 8000 }, () => random(256)),
    ])
    const theirs = pcmOf(await runFfmpeg(['-f', 'g722', '-i', 'pipe:0', '-f', 's16le', 'pipe:1'], codes))
    expect(new G722Decoder().decode(codes)).toEqual(theirs)
  })
})

describe('L16 and channels', () => {
  test('big-endian, there and back', () => {
    const pcm = Int16Array.of(0, 1, -1, 32_767, -32_768, 258)
    expect([...encodeL16(pcm).subarray(10)]).toEqual([1, 2])
    expect(decodeL16(encodeL16(pcm))).toEqual(pcm)
  })
  test('mono to stereo and back is the same; two channels are halved, not added', () => {
    const mono = Int16Array.of(5, -7, 32_767)
    expect(withChannels(withChannels(mono, 1, 2), 2, 1)).toEqual(mono)
    expect([...withChannels(Int16Array.of(32_767, 32_767, 100, -100), 2, 1)]).toEqual([32_767, 0])
    expect(withChannels(mono, 1, 1)).toBe(mono)
  })
})

describe('resampling', () => {
  const rates = [8000, 16_000, 44_100, 48_000]
  const pairs = rates.flatMap(from => rates.filter(to => to !== from).map(to => [from, to] as const))
  const through = (from: number, to: number, hertz: number, blockMs = 20): Float32Array => {
    const resampler = new Resampler(from, to)
    const out: number[] = []
    for (let at = 0; at < from; ) {
      const length = Math.round((from * blockMs) / 1000)
      const block = Int16Array.from(
        { length },
        (_, i) => 16_000 * Math.sin((2 * Math.PI * hertz * (at + i)) / from),
      )
      out.push(...resampler.push(block))
      at += length
    }
    return Float32Array.from(out, sample => sample / 32_768)
  }
  const wanted = levelDb(
    Float32Array.from({ length: 48_000 }, (_, i) => (16_000 / 32_768) * Math.sin(i * 0.1)),
  )

  test.each(pairs)(
    '%i → %i: loudness within 0.1 dB from 100 to 3400 Hz, no seam between blocks',
    (from, to) => {
      for (const hertz of [100, 440, 1000, 3000, 3400]) {
        const samples = through(from, to, hertz).subarray(to / 10)
        expect(Math.abs(levelDb(samples) - wanted)).toBeLessThan(0.1)
        expect(worstResidualDb(samples, to, hertz)).toBeLessThan(-60)
      }
    },
  )

  test('what the lower rate cannot carry is gone, not folded back', () => {
    for (const hertz of [4600, 5500, 7000])
      expect(levelDb(through(48_000, 8000, hertz).subarray(800))).toBeLessThan(-75)
    const images = through(8000, 48_000, 1000).subarray(4800)
    expect(worstResidualDb(images, 48_000, 1000)).toBeLessThan(-60)
  })

  test('no sample more or less than the ratio, in blocks of any length; stereo stays apart', () => {
    for (const [from, to] of pairs)
      for (const blockMs of [10, 20, 30]) {
        const count = through(from, to, 440, blockMs).length
        const went = Math.ceil(1000 / blockMs) * Math.round((from * blockMs) / 1000)
        expect(Math.abs(count - (went * to) / from)).toBeLessThanOrEqual(1)
      }
    const stereo = new Resampler(8000, 48_000, 2)
    const pcm = Int16Array.from({ length: 1600 }, (_, i) => (i % 2 === 0 ? 10_000 : 0))
    const out = stereo.push(pcm)
    expect(out.filter((_, i) => i % 2 === 1).every(sample => sample === 0)).toBe(true)
  })
})
