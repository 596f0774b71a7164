/** G.711: one byte a sample, logarithmic. ITU-T G.711 tables 1a to 2b; linear samples have 16 bits here. */

export interface Law {
  /** Linear sample of each code. */
  readonly samples: Int16Array
  /** Code of each linear sample, by its 16 bits read as unsigned. */
  readonly codes: Uint8Array
  /** Code of silence. */
  readonly silence: number
}

const ULAW_BIAS = 132
const ULAW_MAX = 32_635

const ulawSample = (code: number): number => {
  const bits = ~code & 0xff
  const exponent = (bits >> 4) & 7
  const magnitude = ((((bits & 15) << 3) + ULAW_BIAS) << exponent) - ULAW_BIAS
  return bits & 0x80 ? -magnitude : magnitude
}

const ulawCode = (sample: number): number => {
  const sign = sample < 0 ? 0x80 : 0
  const magnitude = Math.min(Math.abs(sample), ULAW_MAX) + ULAW_BIAS
  const exponent = 24 - Math.clz32(magnitude)
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xff
}

/** Every other bit is turned on the line. */
const ALAW_FLIP = 0x55

const alawSample = (code: number): number => {
  const bits = code ^ ALAW_FLIP
  const exponent = (bits >> 4) & 7
  const step = ((bits & 15) << 4) + 8
  const magnitude = exponent === 0 ? step : (step + 256) << (exponent - 1)
  return bits & 0x80 ? magnitude : -magnitude
}

const alawCode = (sample: number): number => {
  const sign = sample >= 0 ? 0x80 : 0
  const magnitude = sample >= 0 ? sample : -sample - 1
  const exponent = magnitude < 256 ? 0 : 24 - Math.clz32(magnitude)
  const mantissa = (magnitude >> (exponent === 0 ? 4 : exponent + 3)) & 15
  return (sign | (exponent << 4) | mantissa) ^ ALAW_FLIP
}

const tabulate = (sampleOf: (code: number) => number, codeOf: (sample: number) => number): Law => ({
  samples: Int16Array.from({ length: 256 }, (_, code) => sampleOf(code)),
  codes: Uint8Array.from({ length: 65_536 }, (_, bits) => codeOf((bits << 16) >> 16)),
  silence: codeOf(0),
})

const laws: { pcmu?: Law; pcma?: Law } = {}

/** Made at the first call. */
export const lawOf = (codec: 'pcmu' | 'pcma'): Law => {
  if (codec === 'pcmu') laws.pcmu ??= tabulate(ulawSample, ulawCode)
  else laws.pcma ??= tabulate(alawSample, alawCode)
  return laws[codec]!
}

export const decodeG711 = (law: Law, codes: Uint8Array): Int16Array => {
  const { samples } = law
  const out = new Int16Array(codes.length)
  for (let i = 0; i < codes.length; i++) out[i] = samples[codes[i]!]!
  return out
}

export const encodeG711 = (law: Law, pcm: Int16Array): Uint8Array => {
  const { codes } = law
  const out = new Uint8Array(pcm.length)
  for (let i = 0; i < pcm.length; i++) out[i] = codes[pcm[i]! & 0xffff]!
  return out
}
