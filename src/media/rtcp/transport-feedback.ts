import { FEEDBACK_FORMAT, RTCP_TYPE } from './tables.ts'
import type { TransportFeedback } from './types.ts'

/** draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1: the reference time counts 64 ms, deltas 250 µs. */
const UNITS_PER_REFERENCE = 256
const HEADER_BYTES = 20
const VECTOR_SYMBOLS = 7
const MAX_RUN = 0x1fff

/** 3.1.1: 0 not received, 1 received with a delta of one byte, 2 received with a signed delta of two bytes. */
type Symbol = 0 | 1 | 2

const symbolOf = (delta: number | undefined): Symbol => {
  if (delta === undefined) return 0
  return delta >= 0 && delta <= 255 ? 1 : 2
}

/** Distance of each arrival to the one before it, the first one to the reference time. */
const deltasOf = (arrivals: readonly (number | undefined)[], reference: number): (number | undefined)[] => {
  let last = reference
  return arrivals.map(arrival => {
    if (arrival === undefined) return undefined
    const delta = arrival - last
    last = arrival
    return delta
  })
}

const runLength = (symbols: readonly Symbol[], from: number): number => {
  let end = from + 1
  while (end < symbols.length && symbols[end] === symbols[from] && end - from < MAX_RUN) end++
  return end - from
}

/** 3.1.3 run length chunks where they pay, else 3.1.4 vectors of seven two-bit symbols. */
const chunksOf = (symbols: readonly Symbol[]): number[] => {
  const chunks: number[] = []
  let at = 0
  while (at < symbols.length) {
    const run = runLength(symbols, at)
    if (run >= VECTOR_SYMBOLS) {
      chunks.push((symbols[at]! << 13) | run)
      at += run
      continue
    }
    let vector = 0xc000
    for (let i = 0; i < VECTOR_SYMBOLS; i++) vector |= (symbols[at + i] ?? 0) << (12 - i * 2)
    chunks.push(vector)
    at += VECTOR_SYMBOLS
  }
  return chunks
}

const writeDeltas = (out: Buffer, start: number, deltas: readonly (number | undefined)[]): void => {
  let at = start
  for (const delta of deltas) {
    const symbol = symbolOf(delta)
    if (symbol === 1) out[at] = delta!
    if (symbol === 2) out.writeInt16BE(delta!, at)
    at += symbol
  }
}

/** Largest distance between two arrivals that one feedback packet can carry, in units of 250 µs. */
export const MAX_DELTA_UNITS = 0x7fff - UNITS_PER_REFERENCE

/** Writes one feedback packet. At least one packet arrived, and neighbours are at most MAX_DELTA_UNITS apart. */
export const writeTransportFeedback = (feedback: TransportFeedback): Buffer => {
  const first = feedback.arrivals.find(arrival => arrival !== undefined) ?? 0
  const reference = Math.floor(first / UNITS_PER_REFERENCE)
  const deltas = deltasOf(feedback.arrivals, reference * UNITS_PER_REFERENCE)
  const symbols = deltas.map(symbolOf)
  const chunks = chunksOf(symbols)
  const deltaBytes = symbols.reduce<number>((sum, symbol) => sum + symbol, 0)
  const used = HEADER_BYTES + chunks.length * 2 + deltaBytes
  const out = Buffer.alloc((used + 3) & ~3)
  out[0] = 0x80 | FEEDBACK_FORMAT.transportWide
  out[1] = RTCP_TYPE.transportFeedback
  out.writeUInt16BE(out.length / 4 - 1, 2)
  out.writeUInt32BE(feedback.sender, 4)
  out.writeUInt32BE(feedback.media, 8)
  out.writeUInt16BE(feedback.baseSequence & 0xffff, 12)
  out.writeUInt16BE(feedback.arrivals.length, 14)
  out.writeUIntBE(reference & 0xffffff, 16, 3)
  out[19] = feedback.feedbackCount & 255
  chunks.forEach((chunk, index) => {
    out.writeUInt16BE(chunk, HEADER_BYTES + index * 2)
  })
  writeDeltas(out, HEADER_BYTES + chunks.length * 2, deltas)
  const padding = out.length - used
  if (padding > 0) {
    out[0]! |= 0x20
    out[out.length - 1] = padding
  }
  return out
}
