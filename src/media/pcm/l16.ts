/** L16: samples of 16 bits, big-endian, interleaved. RFC 3551 section 4.5.11. */

export const decodeL16 = (bytes: Uint8Array): Int16Array => {
  const out = new Int16Array(bytes.length >> 1)
  for (let i = 0; i < out.length; i++) out[i] = (bytes[2 * i]! << 8) | bytes[2 * i + 1]!
  return out
}

export const encodeL16 = (pcm: Int16Array): Uint8Array => {
  const out = new Uint8Array(pcm.length * 2)
  for (let i = 0; i < pcm.length; i++) {
    out[2 * i] = (pcm[i]! >> 8) & 0xff
    out[2 * i + 1] = pcm[i]! & 0xff
  }
  return out
}
