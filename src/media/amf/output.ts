import { GatewayError } from '../../errors.ts'
import { AMF_LIMITS } from './value.ts'

const text = new TextEncoder()

/** Bytes that grow while values are written. */
export class AmfOutput {
  #bytes = new Uint8Array(256)
  #view = new DataView(this.#bytes.buffer)
  #at = 0
  #depth = 0

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  /** Guards against values that contain themselves. */
  enter(): void {
    this.#depth += 1
    if (this.#depth > AMF_LIMITS.depth) {
      throw new GatewayError('limit-exceeded', `AMF value nested deeper than ${AMF_LIMITS.depth}`)
    }
  }

  leave(): void {
    this.#depth -= 1
  }

  #room(length: number): number {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#at, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, start))
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return start
  }

  u8(value: number): void {
    const at = this.#room(1)
    this.#bytes[at] = value
  }

  u16(value: number): void {
    const at = this.#room(2)
    this.#view.setUint16(at, value)
  }

  u32(value: number): void {
    const at = this.#room(4)
    this.#view.setUint32(at, value)
  }

  f64(value: number): void {
    const at = this.#room(8)
    this.#view.setFloat64(at, value)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

  static utf8(value: string): Uint8Array {
    return text.encode(value)
  }
}
