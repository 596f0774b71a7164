import { FLAG, START_CODE_BYTE } from './codes.ts'
import type { NutInput } from './input.ts'
import type { NutStream } from './types.ts'

const MAX_STREAMS = 16
const MAX_TIME_BASES = 16
const MAX_ELISION_BYTES = 1024

/** What one frame code stands for. */
export interface FrameCode {
  readonly flags: number
  readonly stream: number
  readonly ptsDelta: number
  readonly sizeMul: number
  readonly sizeLsb: number
  readonly reserved: number
  readonly headerIndex: number
}
export interface MainHeader {
  readonly streamCount: number
  readonly timeBases: readonly { readonly numerator: number; readonly denominator: number }[]
  readonly frameCodes: readonly FrameCode[]
  /** Bytes that frames begin with and that were left out of them; the first is empty. */
  readonly elided: readonly Uint8Array[]
}
export interface StreamHeader {
  readonly id: number
  readonly stream: NutStream
  readonly ptsShift: number
}

const INVALID: FrameCode = {
  flags: FLAG.invalid,
  stream: 0,
  ptsDelta: 0,
  sizeMul: 1,
  sizeLsb: 0,
  reserved: 0,
  headerIndex: 0,
}

/** The 256 frame codes, written as runs; a field that a run leaves out keeps the value of the run before. */
const readFrameCodes = (input: NutInput): FrameCode[] | undefined => {
  const codes: FrameCode[] = []
  let [ptsDelta, sizeMul, stream, headerIndex] = [0, 1, 0, 0]
  while (codes.length < 256) {
    const flags = input.v()
    const fields = input.v()
    if (input.short || input.absurd || fields > 64) return undefined
    if (fields > 0) ptsDelta = input.s()
    if (fields > 1) sizeMul = input.v()
    if (fields > 2) stream = input.v()
    const size = fields > 3 ? input.v() : 0
    const reserved = fields > 4 ? input.v() : 0
    const count = fields > 5 ? input.v() : sizeMul - size
    if (fields > 6) input.s()
    if (fields > 7) headerIndex = input.v()
    for (let i = 8; i < fields; i++) input.v()
    if (input.short || input.absurd || count < 1) return undefined
    for (let i = 0; i < count && codes.length < 256; ) {
      if (codes.length === START_CODE_BYTE) codes.push(INVALID)
      else codes.push({ flags, stream, ptsDelta, sizeMul, sizeLsb: size + i++, reserved, headerIndex })
    }
  }
  return codes
}

const readElided = (input: NutInput): Uint8Array[] | undefined => {
  const count = input.v()
  if (count > 127) return undefined
  const elided: Uint8Array[] = [new Uint8Array(0)]
  for (let i = 0; i < count && !input.short; i++) elided.push(input.vb())
  const total = elided.reduce((sum, bytes) => sum + bytes.length, 0)
  return total > MAX_ELISION_BYTES ? undefined : elided
}

/** undefined when it is malformed or beyond the limits. */
export const readMainHeader = (input: NutInput): MainHeader | undefined => {
  const version = input.v()
  if (version < 3 || version > 4) return undefined
  if (version > 3) input.v()
  const streamCount = input.v()
  input.v() // max_distance: for seeking
  const timeBaseCount = input.v()
  if (streamCount > MAX_STREAMS || timeBaseCount > MAX_TIME_BASES) return undefined
  if (input.short || input.absurd) return undefined
  const timeBases = Array.from({ length: timeBaseCount }, () => ({
    numerator: input.v(),
    denominator: input.v(),
  }))
  const frameCodes = readFrameCodes(input)
  if (frameCodes === undefined) return undefined
  const elided = input.left > 0 ? readElided(input) : [new Uint8Array(0)]
  return elided === undefined || input.short || input.absurd
    ? undefined
    : { streamCount, timeBases, frameCodes, elided }
}

const kindOf = (streamClass: number): NutStream['kind'] =>
  streamClass === 0 ? 'video' : streamClass === 1 ? 'audio' : 'other'

/** undefined when it is malformed or names something that the main header did not announce. */
export const readStreamHeader = (input: NutInput, main: MainHeader): StreamHeader | undefined => {
  const id = input.v()
  const kind = kindOf(input.v())
  const fourcc = input.vb().slice()
  const timeBase = main.timeBases[input.v()]
  const ptsShift = input.v()
  input.v() // max_pts_distance: for damage detection
  input.v() // decode_delay
  input.v() // stream_flags
  const codecData = input.vb().slice()
  const [first, second, third] = kind === 'other' ? [0, 1, 0] : [input.v(), input.v(), input.v()]
  if (input.short || input.absurd || timeBase === undefined || id >= main.streamCount || ptsShift > 15)
    return undefined
  const audio = kind === 'audio'
  const video = kind === 'video'
  const sampleRate = audio ? Math.round(first / Math.max(1, second)) : 0
  return {
    id,
    ptsShift,
    stream: {
      kind,
      fourcc,
      timeBase,
      codecData,
      sampleRate,
      channels: audio ? third : 0,
      width: video ? first : 0,
      height: video ? second : 0,
    },
  }
}
