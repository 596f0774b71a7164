import { FILE_ID, FLAG, LONG_PACKET, nutChecksum, START_CODE_BYTE, START_CODES } from './codes.ts'
import { type FrameCode, type MainHeader, readMainHeader, readStreamHeader } from './headers.ts'
import { NutInput } from './input.ts'
import type { NutReader, NutReaderEvents, NutStream } from './types.ts'

const MAX_PACKET_BYTES = 1 << 16
/** A key picture of 2160p at a high rate has 2 MB. */
const MAX_FRAME_BYTES = 8 << 20

interface StreamState {
  readonly stream: NutStream
  readonly ptsShift: number
  lastPts: number
}
type PacketKind = keyof typeof START_CODES
const startsWith = (bytes: Uint8Array, at: number, prefix: Uint8Array): boolean =>
  prefix.every((byte, i) => bytes[at + i] === byte)
const packetKind = (bytes: Uint8Array, at: number): PacketKind | undefined =>
  (Object.keys(START_CODES) as PacketKind[]).find(kind => startsWith(bytes, at, START_CODES[kind]))

const join = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

/** Reads NUT as it comes out of a pipe: every frame is handed on as soon as its last byte is there. */
export const createNutReader = (events: NutReaderEvents): NutReader => {
  const streams = new Map<number, StreamState>()
  let main: MainHeader | undefined
  let pending: Uint8Array = new Uint8Array(0)
  let begun = false
  let damaged = false

  const damage = (cause: string): undefined => {
    damaged = true
    pending = new Uint8Array(0)
    events.onDamage(cause)
    return undefined
  }

  const takePacket = (kind: PacketKind, input: NutInput): unknown => {
    if (kind === 'main') {
      main = readMainHeader(input)
      return main ?? damage('main header')
    }
    if (kind === 'syncpoint') return takeSyncpoint(input)
    if (kind !== 'stream') return
    const header = main && readStreamHeader(input, main)
    if (header === undefined) return damage('stream header')
    if (streams.has(header.id)) return
    streams.set(header.id, { stream: header.stream, ptsShift: header.ptsShift, lastPts: 0 })
    return events.onStream(header.id, header.stream)
  }

  /** global_key_pts: the base for the next frames' shortened times, in the time base it names. */
  const takeSyncpoint = (input: NutInput): undefined => {
    const coded = input.v()
    const count = main?.timeBases.length ?? 0
    const base = main?.timeBases[coded % Math.max(1, count)]
    if (base === undefined || input.absurd) return damage('syncpoint')
    const seconds = (Math.floor(coded / count) * base.numerator) / Math.max(1, base.denominator)
    for (const state of streams.values()) {
      const { numerator, denominator } = state.stream.timeBase
      state.lastPts = Math.floor((seconds * denominator) / Math.max(1, numerator) + 1e-6)
    }
  }

  /** Bytes used; undefined when more must come first. */
  const readPacket = (at: number): number | undefined => {
    if (pending.length - at < 8) return undefined
    const kind = packetKind(pending, at)
    if (kind === undefined) return damage('unknown start code')
    const head = new NutInput(pending, at + 8, pending.length)
    const size = head.v()
    if (size > LONG_PACKET) head.u32()
    if (head.absurd) return damage('absurd packet size')
    if (head.short) return undefined
    if (size < 4 || size > MAX_PACKET_BYTES) return damage(`packet of ${size} bytes`)
    const end = head.at + size
    if (end > pending.length) return undefined
    // A checksum over data and its own checksum is 0.
    if (nutChecksum(pending, head.at, end) !== 0) return damage(`checksum of the ${kind} packet`)
    takePacket(kind, new NutInput(pending, head.at, end - 4))
    return end - at
  }

  const unfoldPts = (state: StreamState, coded: number): number => {
    const range = 2 ** state.ptsShift
    if (coded >= range) return coded - range
    const low = state.lastPts - Math.floor((range - 1) / 2)
    return low + ((((coded - low) % range) + range) % range)
  }

  /** Bytes used; undefined when more must come first. Field order: frame_header of the specification. */
  const readFrame = (at: number, code: FrameCode, table: MainHeader): number | undefined => {
    const input = new NutInput(pending, at + 1, pending.length)
    const flags = code.flags & FLAG.coded ? code.flags ^ input.v() : code.flags
    const id = flags & FLAG.streamId ? input.v() : code.stream
    const coded = flags & FLAG.codedPts ? input.v() : undefined
    const msb = flags & FLAG.sizeMsb ? input.v() : 0
    if (flags & FLAG.matchTime) input.s()
    const headerIndex = flags & FLAG.headerIndex ? input.v() : code.headerIndex
    const reserved = flags & FLAG.reserved ? input.v() : code.reserved
    if (input.absurd) return damage('absurd number in a frame header')
    if (reserved > 64) return damage(`${reserved} reserved fields`)
    for (let i = 0; i < reserved; i++) input.v()
    if (flags & FLAG.checksum) input.u32()
    if (input.short) return undefined
    const size = code.sizeLsb + msb * code.sizeMul
    const prefix = table.elided[headerIndex]
    const state = streams.get(id)
    if (flags & (FLAG.invalid | FLAG.sideData)) return damage(`frame flags ${flags}`)
    if (state === undefined || prefix === undefined) return damage('frame of an unknown stream')
    // Elision applies to short frames only; the size counts the bytes left out.
    const elided = size > 4096 ? table.elided[0]! : prefix
    if (size > MAX_FRAME_BYTES || size < elided.length) return damage(`frame of ${size} bytes`)
    const body = input.bytes(size - elided.length)
    if (input.short) return undefined
    state.lastPts = coded === undefined ? state.lastPts + code.ptsDelta : unfoldPts(state, coded)
    events.onFrame(
      id,
      state.lastPts,
      (flags & FLAG.key) !== 0,
      elided.length === 0 ? body : join(elided, body),
    )
    return input.at - at
  }

  const readNext = (at: number): number | undefined => {
    if (!begun) {
      if (pending.length < FILE_ID.length) return undefined
      if (!startsWith(pending, 0, FILE_ID)) return damage('no NUT file id')
      begun = true
      return FILE_ID.length
    }
    const byte = pending[at]!
    if (byte === START_CODE_BYTE) return readPacket(at)
    return main === undefined
      ? damage('frame before the main header')
      : readFrame(at, main.frameCodes[byte]!, main)
  }

  return {
    push(bytes) {
      if (damaged) return
      pending = pending.length === 0 ? bytes : join(pending, bytes)
      let at = 0
      while (at < pending.length) {
        const used = readNext(at)
        if (used === undefined) break
        at += used
      }
      if (at > 0) pending = pending.subarray(at)
    },
  }
}
