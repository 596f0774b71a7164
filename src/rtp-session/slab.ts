import { copyBytes } from '../media/bytes.ts'

const SLAB_BYTES = 256 * 1024

/**
 * Room for received packets. Bytes given out are never written again, since any number of readers may hold them; a
 * full slab is left to the garbage collector, which takes it when its last packet is forgotten.
 */
export class Slab {
  #buffer: ArrayBufferLike = new ArrayBuffer(0)
  #bytes: Uint8Array = new Uint8Array(0)
  #free = 0

  /** A copy of source[offset, offset + length). */
  copy(source: Uint8Array, offset: number, length: number): Uint8Array {
    if (this.#free + length > this.#bytes.length) this.#next(length)
    const at = this.#free
    this.#free += length
    copyBytes(source, offset, offset + length, this.#bytes, at)
    return new Uint8Array(this.#buffer, at, length)
  }

  #next(length: number): void {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length)).buffer
    this.#bytes = new Uint8Array(this.#buffer)
    this.#free = 0
  }
}
