/** The values of one message that later ones may refer to (AMF 0 2.9, AMF 3 2.2), charged as if written out again. */
import type { AmfInput } from './input.ts'
import type { AmfValue } from './value.ts'

interface Complex {
  readonly value: AmfValue
  /** undefined while the value is still being read: a reference to it would be a cycle. */
  weight: number | undefined
}

export class AmfReferences {
  readonly #input: AmfInput
  readonly #complex: Complex[] = []

  constructor(input: AmfInput) {
    this.#input = input
  }

  /** Remembers a value that is complete. */
  keep<V extends AmfValue>(value: V, weight: number): V {
    this.#complex.push({ value, weight })
    return value
  }

  /** Remembers a value whose members `read` puts into it. */
  fill<V extends AmfValue>(value: V, read: (value: V) => void): V {
    const input = this.#input
    const before = input.charged
    const complex: Complex = { value, weight: undefined }
    this.#complex.push(complex)
    input.enter()
    read(value)
    input.leave()
    complex.weight = input.charged - before
    return value
  }

  get(index: number): AmfValue {
    const complex = this.#complex[index]
    if (complex?.weight === undefined)
      return this.#input.fail(`reference to value ${index}, which is not there`)
    this.#input.charge(complex.weight)
    return complex.value
  }
}
