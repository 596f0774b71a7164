/** A small writer of MPEG transport streams, for tests of their reader. */
import { mpegCrc } from '../../src/media/ts/section-reader.ts'

export interface TestStream {
  readonly pid: number
  readonly type: number
  readonly descriptors?: readonly number[]
}
export interface PesTimes {
  readonly pts?: number
  readonly dts?: number
  /** The length stands in the header. Default: it does not. */
  readonly bounded?: boolean
}

const timeBytes = (prefix: number, ticks: number): number[] => {
  const value = ((ticks % 2 ** 33) + 2 ** 33) % 2 ** 33
  const high = Math.floor(value / 2 ** 30)
  const middle = Math.floor(value / 2 ** 15) & 0x7fff
  const low = value & 0x7fff
  const word = (bits: number): number[] => [bits >> 7, ((bits & 0x7f) << 1) | 1]
  return [(prefix << 4) | (high << 1) | 1, ...word(middle), ...word(low)]
}

export const pesPacket = (data: Uint8Array, { pts, dts, bounded = false }: PesTimes): Uint8Array => {
  const flags = pts === undefined ? 0 : dts === undefined ? 2 : 3
  const times = [...(flags > 0 ? timeBytes(flags, pts!) : []), ...(flags === 3 ? timeBytes(1, dts!) : [])]
  const length = bounded ? 3 + times.length + data.length : 0
  const head = [0, 0, 1, 0xe0, length >> 8, length & 255, 0x80, flags << 6, times.length, ...times]
  return Uint8Array.from([...head, ...data])
}

export const section = (
  tableId: number,
  id: number,
  version: number,
  body: readonly number[],
): Uint8Array => {
  const length = 5 + body.length + 4
  const head = [tableId, 0xb0 | (length >> 8), length & 255, id >> 8, id & 255, 0xc1 | (version << 1), 0, 0]
  const bytes = Uint8Array.from([...head, ...body, 0, 0, 0, 0])
  new DataView(bytes.buffer).setUint32(bytes.length - 4, mpegCrc(bytes, 0, bytes.length - 4))
  return bytes
}

export class TsMuxer {
  readonly #continuity = new Map<number, number>()

  /** Cuts one unit into packets of 188 bytes, the last filled up in its adaptation field. */
  packets(pid: number, unit: Uint8Array): Uint8Array {
    const out: number[] = []
    for (let at = 0; at < unit.length; ) {
      const count = (this.#continuity.get(pid) ?? -1) + 1
      this.#continuity.set(pid, count)
      const taken = Math.min(184, unit.length - at)
      const filled = 184 - taken
      const field =
        filled === 0 ? [] : [filled - 1, ...(filled > 1 ? [0, ...Array(filled - 2).fill(255)] : [])]
      const start = at === 0 ? 0x40 : 0
      out.push(0x47, start | (pid >> 8), pid & 255, (filled > 0 ? 0x30 : 0x10) | (count & 15), ...field)
      out.push(...unit.subarray(at, at + taken))
      at += taken
    }
    return Uint8Array.from(out)
  }

  section(pid: number, bytes: Uint8Array): Uint8Array {
    return this.packets(pid, Uint8Array.from([0, ...bytes]))
  }

  /** PAT and PMT of one program. */
  tables(streams: readonly TestStream[], { version = 0, program = 1, mapPid = 0x1000 } = {}): Uint8Array {
    const pat = section(0, 1, version, [program >> 8, program & 255, 0xe0 | (mapPid >> 8), mapPid & 255])
    const entries = streams.flatMap(({ pid, type, descriptors = [] }) => [
      ...[type, 0xe0 | (pid >> 8), pid & 255, 0xf0, descriptors.length],
      ...descriptors,
    ])
    const pmt = section(2, program, version, [0xe1, 0, 0xf0, 0, ...entries])
    return Buffer.concat([this.section(0, pat), this.section(mapPid, pmt)])
  }

  pes(pid: number, data: Uint8Array, times: PesTimes): Uint8Array {
    return this.packets(pid, pesPacket(data, times))
  }
}
