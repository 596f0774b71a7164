import { GatewayError } from '../../errors.ts'
import { AMF_LIMITS, type AmfLimits } from './value.ts'

const text = new TextDecoder('utf-8', { ignoreBOM: true })

/** A cursor over untrusted bytes: every read is checked, every value is charged against the limits. */
export class AmfInput {
  at = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #limits: AmfLimits
  #values = 0
  #depth = 0

  constructor(bytes: Uint8Array, limits: AmfLimits = AMF_LIMITS) {
    if (bytes.length > limits.bytes) {
      throw new GatewayError('limit-exceeded', `AMF data of ${bytes.length} bytes, at most ${limits.bytes}`)
    }
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#limits = limits
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  /** Values charged so far; the difference over a value is its weight when it is referred to again. */
  get charged(): number {
    return this.#values
  }

  fail(what: string): never {
    throw new GatewayError('malformed', `AMF data at byte ${this.at}: ${what}`)
  }

  charge(values: number): void {
    this.#values += values
    if (this.#values > this.#limits.values) {
      throw new GatewayError('limit-exceeded', `AMF data with more than ${this.#limits.values} values`)
    }
  }

  enter(): void {
    this.#depth += 1
    if (this.#depth > this.#limits.depth) {
      throw new GatewayError('limit-exceeded', `AMF data nested deeper than ${this.#limits.depth}`)
    }
  }

  leave(): void {
    this.#depth -= 1
  }

  /** Moves on by `length` bytes and returns where they began. */
  skip(length: number): number {
    if (length > this.left) this.fail(`${length} bytes needed, ${this.left} left`)
    const start = this.at
    this.at += length
    return start
  }

  u8(): number {
    return this.#view.getUint8(this.skip(1))
  }

  u16(): number {
    return this.#view.getUint16(this.skip(2))
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4))
  }

  i32(): number {
    return this.#view.getInt32(this.skip(4))
  }

  f64(): number {
    return this.#view.getFloat64(this.skip(8))
  }

  /** A copy: decoded values outlive the message they came in. */
  bytes(length: number): Uint8Array {
    const start = this.skip(length)
    return this.#bytes.slice(start, start + length)
  }

  utf8(length: number): string {
    const start = this.skip(length)
    return text.decode(this.#bytes.subarray(start, start + length))
  }

  /** A count of things that take at least `size` bytes each, so that nothing is allocated for a lie. */
  count(count: number, size: number): number {
    if (count * size > this.left) this.fail(`${count} elements announced, ${this.left} bytes left`)
    return count
  }
}
