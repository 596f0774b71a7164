/** Table of contents byte of an Opus packet, RFC 6716 section 3.1. */

/** Samples of one Opus frame at 48 kHz by configuration number (the upper five bits). */
const frameSamples = (config: number): number => {
  if (config < 12) return [480, 960, 1920, 2880][config & 3]!
  if (config < 16) return [480, 960][config & 1]!
  return [120, 240, 480, 960][config & 3]!
}

/** The longest packet lasts 120 ms. */
const MAX_SAMPLES = 5760

/** Duration in ticks of 48 kHz. undefined: empty, or more than 120 ms. */
export const readOpusDuration = (packet: Uint8Array): number | undefined => {
  const toc = packet[0]
  if (toc === undefined) return undefined
  const code = toc & 3
  if (code === 3 && packet.length < 2) return undefined
  const frames = code === 0 ? 1 : code === 3 ? packet[1]! & 0x3f : 2
  const samples = frames * frameSamples(toc >> 3)
  return samples === 0 || samples > MAX_SAMPLES ? undefined : samples
}
