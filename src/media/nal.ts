/**
 * NAL units as H.264 and H.265 share them: start codes and length prefixes. Total: damage ends the list
 * early.
 */

const nextStartCode = (bytes: Uint8Array, from: number): number => {
  let at = bytes.indexOf(1, from + 2)
  while (at !== -1) {
    if (bytes[at - 1] === 0 && bytes[at - 2] === 0) return at - 2
    at = bytes.indexOf(1, at + 1)
  }
  return -1
}

/** NAL units of an Annex B byte stream, without start codes and trailing zeros; views of `bytes`. */
export const splitAnnexB = (bytes: Uint8Array): Uint8Array[] => {
  const units: Uint8Array[] = []
  let code = nextStartCode(bytes, 0)
  while (code !== -1) {
    const next = nextStartCode(bytes, code + 3)
    let end = next === -1 ? bytes.length : next
    while (end > code + 3 && bytes[end - 1] === 0) end -= 1
    if (end > code + 3) units.push(bytes.subarray(code + 3, end))
    code = next
  }
  return units
}

/** Annex B with four-byte start codes. */
export const joinAnnexB = (units: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(units.reduce((sum, unit) => sum + 4 + unit.length, 0))
  let at = 0
  for (const unit of units) {
    out[at + 3] = 1
    out.set(unit, at + 4)
    at += 4 + unit.length
  }
  return out
}

/**
 * NAL units behind big-endian lengths (AVCC, HVCC), views of `bytes`; empty units are left out.
 * @returns undefined when a length points past the end.
 */
export const splitLengthPrefixed = (
  bytes: Uint8Array,
  lengthSize: number,
  start = 0,
  end = bytes.length,
): Uint8Array[] | undefined => {
  const units: Uint8Array[] = []
  let at = start
  while (at < end) {
    if (at + lengthSize > end) return undefined
    let length = 0
    for (let i = 0; i < lengthSize; i += 1) length = length * 256 + bytes[at + i]!
    at += lengthSize
    if (length > end - at) return undefined
    if (length > 0) units.push(bytes.subarray(at, at + length))
    at += length
  }
  return units
}

/** Bytes that `writeLengthPrefixed` needs with four-byte lengths. */
export const lengthPrefixedSize = (units: readonly Uint8Array[]): number => {
  let size = 0
  for (const unit of units) size += 4 + unit.length
  return size
}

/** Writes units with four-byte lengths into `out` from `at`; returns the position after the last. */
export const writeLengthPrefixed = (units: readonly Uint8Array[], out: Uint8Array, at: number): number => {
  let position = at
  for (const unit of units) {
    out[position] = unit.length >>> 24
    out[position + 1] = unit.length >>> 16
    out[position + 2] = unit.length >>> 8
    out[position + 3] = unit.length
    out.set(unit, position + 4)
    position += 4 + unit.length
  }
  return position
}
