/** Writes bits, most significant first. */
export class BitWriter {
  readonly #bytes: number[] = []
  #position = 0

  /** The low `count` bits of `value`. */
  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i -= 1) {
      if ((this.#position & 7) === 0) this.#bytes.push(0)
      const bit = (value >>> i) & 1
      this.#bytes[this.#bytes.length - 1]! |= bit << (7 - (this.#position & 7))
      this.#position += 1
    }
  }

  /** What was written, with zeros up to the byte boundary. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}
