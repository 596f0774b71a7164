/** AMF 0 (Adobe, "Action Message Format -- AMF 0"). Sections cited are of that document. */
import { Amf3Decoder } from './amf3-decode.ts'
import { AmfInput } from './input.ts'
import { AmfReferences } from './references.ts'
import type { AmfLimits, AmfObject, AmfValue } from './value.ts'

const OBJECT_END = 0x09

class Amf0Decoder {
  readonly #input: AmfInput
  readonly #references: AmfReferences

  constructor(input: AmfInput) {
    this.#input = input
    this.#references = new AmfReferences(input)
  }

  value(): AmfValue {
    const input = this.#input
    input.charge(1)
    const marker = input.u8()
    switch (marker) {
      case 0x00:
        return input.f64()
      case 0x01:
        return input.u8() !== 0
      case 0x02:
        return input.utf8(input.u16())
      case 0x03:
        return this.#object()
      case 0x05:
        return null
      case 0x06:
      case 0x0d:
        return undefined
      case 0x07:
        return this.#references.get(input.u16())
      case 0x08:
        input.u32() // 2.10: the count of an ECMA array is only a hint; the end marker decides
        return this.#object()
      case 0x0a:
        return this.#strictArray()
      case 0x0b:
        return this.#date()
      case 0x0c:
      case 0x0f:
        return input.utf8(input.u32())
      case 0x10:
        input.utf8(input.u16()) // 2.18: the class name says nothing here
        return this.#object()
      case 0x11:
        return new Amf3Decoder(input).value()
      default:
        return input.fail(`type marker ${marker} is not known`)
    }
  }

  #object(): AmfObject {
    const object: Record<string, AmfValue> = Object.create(null)
    return this.#references.fill(object, () => this.#members(object))
  }

  #members(object: Record<string, AmfValue>): void {
    const input = this.#input
    // Some encoders forget the end marker of the last object of a message.
    while (input.left > 0) {
      const length = input.u16()
      const key = input.utf8(length)
      if (length === 0 && input.left > 0) {
        if (input.u8() === OBJECT_END) break
        input.at -= 1
      }
      object[key] = this.value()
    }
  }

  #strictArray(): readonly AmfValue[] {
    const count = this.#input.count(this.#input.u32(), 1)
    const array: AmfValue[] = []
    return this.#references.fill(array, () => {
      for (let index = 0; index < count; index++) array.push(this.value())
    })
  }

  #date(): Date {
    const date = new Date(this.#input.f64())
    this.#input.u16() // 2.13: the time zone is reserved
    return date
  }
}

/**
 * All values of `bytes`, one after the other.
 * @throws GatewayError 'malformed' or 'limit-exceeded'
 */
export const decodeAmf0 = (bytes: Uint8Array, limits?: AmfLimits): AmfValue[] => {
  const input = new AmfInput(bytes, limits)
  const decoder = new Amf0Decoder(input)
  const values: AmfValue[] = []
  while (input.left > 0) values.push(decoder.value())
  return values
}
