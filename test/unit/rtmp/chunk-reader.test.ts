import { describe, expect, test } from 'vitest'
import { ChunkReader } from '../../../src/adapters/rtmp/chunk-reader.ts'
import { writeMessage } from '../../../src/adapters/rtmp/chunk-writer.ts'
import { RTMP_LIMITS, type RtmpMessage } from '../../../src/adapters/rtmp/message.ts'
import { createRandom } from '../../helpers/random.ts'
import { basicHeader, chunks } from '../../helpers/rtmp-memory.ts'

const bodyOf = (length: number, seed = 1): Buffer => {
  const random = createRandom(seed)
  return Buffer.from(Array.from({ length }, () => random(256)))
}
const read = (...parts: readonly Uint8Array[]): RtmpMessage[] => {
  const messages: RtmpMessage[] = []
  const reader = new ChunkReader(RTMP_LIMITS, message => messages.push(message))
  for (const part of parts) expect(reader.push(part)).toBe(part.length)
  return messages
}
const oneByOne = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1))
const summary = (messages: readonly RtmpMessage[]): unknown[] =>
  messages.map(({ type, streamId, timestampMs, body }) => [
    type,
    streamId,
    timestampMs,
    Buffer.from(body).toString('hex'),
  ])
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const setChunkSize = (size: number): Buffer => chunks(1, u32(size), { csid: 2 })

describe('chunk reader', () => {
  const times = [0, 1, 0xff_fffe, 0xff_ffff, 0x100_0000, 17_000_000, 0x7fff_ffff, 0xffff_ffff]
  test.each(times)('what the writer writes is read back, time %i', time => {
    for (const length of [0, 1, 127, 128, 129, 1000]) {
      const body = bodyOf(length)
      const bytes = writeMessage(6, 9, 1, time, body, 128)
      expect(bytes).toEqual(chunks(9, body, { csid: 6, streamId: 1, time }))
      expect(summary(read(...oneByOne(bytes)))).toEqual([[9, 1, time, body.toString('hex')]])
      expect(summary(read(bytes, bytes))).toEqual(summary(read(Buffer.concat([bytes, bytes]))))
    }
  })

  test.each(times)('type 3 chunks without an extended timestamp are read too, time %i', time => {
    const body = bodyOf(700)
    // Payload that begins like the extended timestamp makes the reader look twice.
    body.set(u32(time).subarray(0, 3), 128)
    const bytes = chunks(9, body, { csid: 6, streamId: 1, time, bareType3: true })
    const next = chunks(8, Buffer.of(1), { csid: 4 })
    for (const parts of [[bytes, next], oneByOne(Buffer.concat([bytes, next]))]) {
      expect(summary(read(...parts))).toEqual([
        [9, 1, time, body.toString('hex')],
        [8, 0, 0, '01'],
      ])
    }
  })

  test.each([2, 63, 64, 100, 319, 320, 1000, 65_599])('chunk stream id %i in its form', csid => {
    const body = bodyOf(300)
    expect(summary(read(chunks(9, body, { csid })))).toEqual([[9, 0, 0, body.toString('hex')]])
  })

  test('three-byte ids count their last byte in 256s: 64 + a + 256 b', () => {
    // Two chunks of one message under the same id in both long forms must meet.
    const first = chunks(9, bodyOf(256), { csid: 64 + 5, chunkSize: 128 })
    const cut = 2 + 11 + 128
    const bytes = Buffer.concat([first.subarray(0, cut), Buffer.of(0xc1, 5, 0), first.subarray(cut + 2)])
    expect(read(bytes)).toHaveLength(1)
  })

  test('deltas of types 1, 2 and 3, and type 0 as the first delta', () => {
    const bytes = Buffer.concat([
      chunks(8, Buffer.of(1), { csid: 4, streamId: 1, time: 40 }),
      basicHeader(3, 4),
      Buffer.of(2), // +40: 5.3.1.2.4
      basicHeader(2, 4),
      Buffer.of(0, 0, 20, 3), // +20
      basicHeader(3, 4),
      Buffer.of(4), // +20
      basicHeader(1, 4),
      Buffer.of(0, 0, 5, 0, 0, 2, 9, 5, 6), // +5, two bytes of video
    ])
    for (const parts of [[bytes], oneByOne(bytes)]) {
      expect(summary(read(...parts))).toEqual([
        [8, 1, 40, '01'],
        [8, 1, 80, '02'],
        [8, 1, 100, '03'],
        [8, 1, 120, '04'],
        [9, 1, 125, '0506'],
      ])
    }
  })

  test('time wraps at 32 bits', () => {
    const bytes = Buffer.concat([
      chunks(8, Buffer.of(1), { csid: 4, time: 0xffff_fff0 }),
      basicHeader(2, 4),
      Buffer.of(0, 0, 32, 2),
    ])
    expect(read(bytes).map(message => message.timestampMs)).toEqual([0xffff_fff0, 0x10])
  })

  test('types 1, 2 and 3 on a new chunk stream are tolerated', () => {
    const bytes = Buffer.concat([
      basicHeader(1, 33),
      Buffer.of(0, 0, 7, 0, 0, 2, 9, 1, 2),
      basicHeader(2, 34),
      Buffer.of(0, 0, 7),
      basicHeader(3, 35),
      chunks(8, Buffer.of(9)),
    ])
    expect(summary(read(bytes)).filter(message => (message as number[])[0] !== 0)).toEqual([
      [9, 0, 7, '0102'],
      [8, 0, 0, '09'],
    ])
  })

  test('messages interleave, chunk size changes in the middle of one', () => {
    const video = bodyOf(1000, 2)
    const audio = bodyOf(300, 3)
    const v = chunks(9, video, { csid: 6, streamId: 1 })
    const a = chunks(8, audio, { csid: 4, streamId: 1 })
    const first = 12 + 128
    const later = 1 + 128
    const bytes = Buffer.concat([
      v.subarray(0, first),
      a.subarray(0, first),
      v.subarray(first, first + later),
      setChunkSize(5000),
      Buffer.of(0xc4),
      audio.subarray(128),
      Buffer.of(0xc6),
      video.subarray(256),
    ])
    for (const parts of [[bytes], oneByOne(bytes)]) {
      expect(summary(read(...parts))).toEqual([
        [8, 1, 0, audio.toString('hex')],
        [9, 1, 0, video.toString('hex')],
      ])
    }
  })

  test('abort drops the rest of a message', () => {
    const v = chunks(9, bodyOf(300), { csid: 6 })
    const bytes = Buffer.concat([
      v.subarray(0, 12 + 128),
      chunks(2, u32(6), { csid: 2 }),
      chunks(9, Buffer.of(7), { csid: 6 }),
    ])
    const messages: RtmpMessage[] = []
    const reader = new ChunkReader(RTMP_LIMITS, message => messages.push(message))
    reader.push(bytes)
    expect(summary(messages)).toEqual([[9, 0, 0, '07']])
    expect(reader.interrupted).toBe(1)
  })

  test('a pause stops in front of the next message, whole and byte by byte', () => {
    const bytes = Buffer.concat([1, 2, 3].map(value => chunks(8, Buffer.of(value), { csid: 4 })))
    const seen: number[] = []
    const reader = new ChunkReader(RTMP_LIMITS, message => {
      seen.push(message.body[0]!)
      reader.paused = true
    })
    let rest: Uint8Array = bytes
    for (const count of [1, 2, 3]) {
      reader.paused = false
      rest = rest.subarray(reader.push(rest))
      expect(seen).toHaveLength(count)
    }
    expect(rest).toHaveLength(0)
  })

  test('bodies belong to the receiver: the socket buffer may be used again', () => {
    const bytes = chunks(9, bodyOf(500))
    const before = read(bytes)
    const hex = Buffer.from(before[0]!.body).toString('hex')
    bytes.fill(0)
    expect(Buffer.from(before[0]!.body).toString('hex')).toBe(hex)
  })
})

describe('chunk reader limits', () => {
  const code = (...parts: readonly Uint8Array[]): string => {
    try {
      read(...parts)
      return 'no error'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  const announce = (type: number, length: number, csid = 6): Buffer => {
    const header = Buffer.alloc(12)
    header[0] = csid
    header.writeUIntBE(length, 4, 3)
    header[7] = type
    return header
  }

  test('a message that announces too much is refused before a byte of it is stored', () => {
    expect(code(announce(9, RTMP_LIMITS.mediaBytes))).toBe('no error')
    expect(code(announce(9, RTMP_LIMITS.mediaBytes + 1))).toBe('limit-exceeded')
    expect(code(announce(20, RTMP_LIMITS.commandBytes + 1))).toBe('limit-exceeded')
    expect(code(announce(18, RTMP_LIMITS.dataBytes + 1))).toBe('limit-exceeded')
  })

  test('65 chunk streams are too many', () => {
    const all = Array.from({ length: 64 }, (_, index) => chunks(8, Buffer.of(1), { csid: index + 2 }))
    expect(code(...all)).toBe('no error')
    expect(code(...all, chunks(8, Buffer.of(1), { csid: 70 }))).toBe('limit-exceeded')
  })

  test('60 unfinished messages of 8 MB cost what was sent, not what was announced', () => {
    const before = process.memoryUsage().arrayBuffers
    const reader = new ChunkReader(RTMP_LIMITS, () => undefined)
    for (let csid = 4; csid < 64; csid++) {
      reader.push(announce(9, RTMP_LIMITS.mediaBytes, csid))
      reader.push(new Uint8Array(128))
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20)
  })

  test('unfinished messages together stay within the memory of one connection', () => {
    const reader = new ChunkReader(RTMP_LIMITS, () => undefined)
    reader.push(setChunkSize(1 << 20))
    const piece = new Uint8Array(1 << 20)
    const fill = (): void => {
      for (let csid = 4; csid < 64; csid++) {
        reader.push(announce(9, 2 << 20, csid))
        reader.push(piece)
      }
    }
    expect(fill).toThrow(/unfinished messages of/)
  })

  test('chunk size 0 is refused', () => {
    expect(code(setChunkSize(0))).toBe('malformed')
    expect(code(chunks(1, Buffer.of(1), { csid: 2 }))).toBe('malformed')
    expect(code(setChunkSize(0x7fff_ffff))).toBe('no error')
  })
})
