/** AMF 3 (Adobe, "Action Message Format -- AMF 3", January 2013). Sections cited are of that document. */
import type { AmfInput } from './input.ts'
import { AmfReferences } from './references.ts'
import type { AmfObject, AmfValue } from './value.ts'

interface Traits {
  readonly sealed: readonly string[]
  readonly dynamic: boolean
}

export class Amf3Decoder {
  readonly #input: AmfInput
  readonly #strings: string[] = []
  readonly #references: AmfReferences
  readonly #traits: Traits[] = []

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
        return undefined
      case 0x01:
        return null
      case 0x02:
        return false
      case 0x03:
        return true
      case 0x04:
        return (this.#u29() << 3) >> 3 // 3.6: 29 bits, sign-extended
      case 0x05:
        return input.f64()
      case 0x06:
        return this.#string()
      default:
        return this.#complexValue(marker)
    }
  }

  #complexValue(marker: number): AmfValue {
    const header = this.#u29()
    if ((header & 1) === 0) return this.#references.get(header >> 1)
    const size = header >> 1
    const input = this.#input
    switch (marker) {
      case 0x07:
      case 0x0b:
        return this.#references.keep(input.utf8(size), 1 + (size >> 6))
      case 0x08:
        return this.#references.keep(new Date(input.f64()), 1)
      case 0x09:
        return this.#array(size)
      case 0x0a:
        return this.#object(header)
      case 0x0c:
        return this.#references.keep(input.bytes(size), 1 + (size >> 6))
      case 0x0d:
        return this.#vector(size, 4, () => input.i32())
      case 0x0e:
        return this.#vector(size, 4, () => input.u32())
      case 0x0f:
        return this.#vector(size, 8, () => input.f64())
      case 0x10:
        return this.#objectVector(size)
      case 0x11:
        return this.#dictionary(size)
      default:
        return input.fail(`type marker ${marker} is not known`)
    }
  }

  /** 1.3.1: up to four bytes, seven bits each, the fourth has eight. */
  #u29(): number {
    let value = 0
    for (let index = 0; index < 3; index++) {
      const byte = this.#input.u8()
      value = (value << 7) | (byte & 0x7f)
      if (byte < 0x80) return value
    }
    return (value << 8) | this.#input.u8()
  }

  #string(): string {
    const header = this.#u29()
    const size = header >> 1
    if ((header & 1) === 1) {
      const text = this.#input.utf8(size)
      if (size > 0) this.#strings.push(text) // 1.3.2: the empty string is never sent by reference
      return text
    }
    const text = this.#strings[size]
    if (text === undefined) return this.#input.fail(`reference to string ${size}, which is not there`)
    this.#input.charge(1 + (text.length >> 6))
    return text
  }

  /** 3.11: named members first, an empty name ends them, then the dense part. */
  #array(size: number): AmfValue {
    const count = this.#input.count(size, 1)
    const first = this.#string()
    if (first === '') {
      const array: AmfValue[] = []
      return this.#references.fill(array, () => {
        for (let index = 0; index < count; index++) array.push(this.value())
      })
    }
    const object: Record<string, AmfValue> = Object.create(null)
    return this.#references.fill(object, () => {
      for (let key = first; key !== ''; key = this.#string()) object[key] = this.value()
      for (let index = 0; index < count; index++) object[index] = this.value()
    })
  }

  /** 3.12: bit 1 says the traits are here, bit 2 externalizable, bit 3 dynamic, the rest counts sealed members. */
  #object(header: number): AmfObject {
    const traits = (header & 2) === 0 ? this.#traitsAt(header >> 2) : this.#readTraits(header)
    const object: Record<string, AmfValue> = Object.create(null)
    return this.#references.fill(object, () => {
      for (const key of traits.sealed) object[key] = this.value()
      if (!traits.dynamic) return
      for (let key = this.#string(); key !== ''; key = this.#string()) object[key] = this.value()
    })
  }

  #traitsAt(index: number): Traits {
    return this.#traits[index] ?? this.#input.fail(`reference to traits ${index}, which are not there`)
  }

  #readTraits(header: number): Traits {
    if ((header & 4) !== 0) this.#input.fail('an externalizable object has no length that could be known')
    this.#string() // the class name says nothing here
    const count = this.#input.count(header >> 4, 1)
    const sealed: string[] = []
    this.#input.charge(count)
    for (let index = 0; index < count; index++) sealed.push(this.#string())
    const traits: Traits = { sealed, dynamic: (header & 8) !== 0 }
    this.#traits.push(traits)
    return traits
  }

  #vector(size: number, bytes: number, read: () => number): AmfValue {
    this.#input.u8() // 3.15: fixed-vector flag
    const count = this.#input.count(size, bytes)
    this.#input.charge(count)
    return this.#references.keep(
      Array.from({ length: count }, () => read()),
      1 + count,
    )
  }

  #objectVector(size: number): AmfValue {
    this.#input.u8()
    this.#string()
    const count = this.#input.count(size, 1)
    const array: AmfValue[] = []
    return this.#references.fill(array, () => {
      for (let index = 0; index < count; index++) array.push(this.value())
    })
  }

  #dictionary(size: number): AmfValue {
    this.#input.u8() // 3.16: weak keys
    const count = this.#input.count(size, 2)
    const object: Record<string, AmfValue> = Object.create(null)
    return this.#references.fill(object, () => {
      for (let index = 0; index < count; index++) {
        const key = this.value()
        if (typeof key === 'object') this.#input.fail('a dictionary key is an object')
        object[String(key)] = this.value()
      }
    })
  }
}
