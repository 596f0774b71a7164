/**
 * Reads bits, most significant first. Total: past the end it gives zeros and sets `overrun`, so that a parser
 * checks once when it is done instead of at each field.
 */
export class BitReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #position: number
  overrun = false

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#position = start * 8
    this.#end = Math.min(end, bytes.length) * 8
  }

  /** Bits from the start of the byte array. */
  get position(): number {
    return this.#position
  }

  get bitsLeft(): number {
    return this.#end - this.#position
  }

  bit(): 0 | 1 {
    if (this.#position >= this.#end) {
      this.overrun = true
      return 0
    }
    const byte = this.#bytes[this.#position >> 3]!
    const bit = (byte >> (7 - (this.#position & 7))) & 1
    this.#position += 1
    return bit as 0 | 1
  }

  flag(): boolean {
    return this.bit() === 1
  }

  /** Unsigned value of up to 32 bits. */
  bits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i += 1) value = value * 2 + this.bit()
    return value
  }

  skip(count: number): void {
    this.#position += count
    if (this.#position > this.#end) {
      this.#position = this.#end
      this.overrun = true
    }
  }

  /**
   * ue(v), Exp-Golomb, H.264 section 9.1. More than 32 leading zeros cannot be valid and count as overrun.
   */
  ue(): number {
    let zeros = 0
    while (zeros <= 32 && !this.overrun && this.bit() === 0) zeros += 1
    if (zeros > 32) this.overrun = true
    return this.overrun ? 0 : 2 ** zeros - 1 + this.bits(zeros)
  }

  /** se(v), H.264 section 9.1.1. */
  se(): number {
    const code = this.ue()
    return code % 2 === 1 ? (code + 1) / 2 : code === 0 ? 0 : -code / 2
  }

  /** leb128 of AV1 section 4.10.5, from a byte boundary. */
  leb128(): number {
    let value = 0
    for (let i = 0; i < 8; i += 1) {
      const byte = this.bits(8)
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    this.overrun = true
    return 0
  }
}

/** NAL unit payload without emulation prevention bytes (00 00 03 → 00 00), H.264 section 7.4.1. */
export const removeEmulationPrevention = (bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array => {
  const out = new Uint8Array(Math.max(0, end - start))
  let length = 0
  let zeros = 0
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i]!
    if (zeros >= 2 && byte === 3) {
      zeros = 0
      continue
    }
    zeros = byte === 0 ? zeros + 1 : 0
    out[length] = byte
    length += 1
  }
  return out.subarray(0, length)
}
