/**
 * A cursor over bytes that may end too early: reading past the end gives 0 and sets `short`, so that whole structures
 * are read straight through and judged once.
 */
export class NutInput {
  at: number
  short = false
  /** A number beyond 64 bits was met. */
  absurd = false
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.at = start
    this.#end = end
  }

  get left(): number {
    return this.#end - this.at
  }

  byte(): number {
    if (this.at < this.#end) return this.#bytes[this.at++]!
    this.short = true
    return 0
  }

  u32(): number {
    return this.byte() * 0x1000000 + (this.byte() << 16) + (this.byte() << 8) + this.byte()
  }

  /** `v` of the specification: seven bits a byte, most significant first. Exact up to 2^53; 0 beyond 2^64. */
  v(): number {
    let value = 0
    for (let byte = 0x80; byte & 0x80; ) {
      byte = this.byte()
      value = value * 128 + (byte & 0x7f)
      if (value > 2 ** 64) {
        this.absurd = true
        return 0
      }
    }
    return value
  }

  /** `s` of the specification: signed. */
  s(): number {
    const folded = this.v() + 1
    return folded % 2 === 1 ? (1 - folded) / 2 : folded / 2
  }

  /** A view of `count` bytes. */
  bytes(count: number): Uint8Array {
    if (count > this.left) {
      this.short = true
      this.at = this.#end
      return new Uint8Array(0)
    }
    const start = this.at
    this.at += count
    return this.#bytes.subarray(start, this.at)
  }

  /** `vb` of the specification: a length, then that many bytes. */
  vb(): Uint8Array {
    return this.bytes(this.v())
  }
}
