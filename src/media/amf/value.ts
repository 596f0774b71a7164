/** L0. Action Message Format values as JavaScript values, and the limits that a decoder keeps. */

/** A Map is written as an ECMA array; objects and ECMA arrays are both read as objects without a prototype. */
export type AmfValue =
  | undefined
  | null
  | boolean
  | number
  | string
  | Date
  | Uint8Array
  | readonly AmfValue[]
  | AmfObject
  | ReadonlyMap<string, AmfValue>

export interface AmfObject {
  readonly [key: string]: AmfValue
}

export interface AmfLimits {
  /** Length of the whole input. */
  readonly bytes: number
  /** Objects and arrays inside each other. */
  readonly depth: number
  /** Values in all; what a reference points to counts again, as if it were written out. */
  readonly values: number
}

export const AMF_LIMITS: AmfLimits = { bytes: 1 << 20, depth: 32, values: 1 << 16 }

/** A value is an object with named members, not an array, a date or bytes. */
export const isAmfObject = (value: AmfValue): value is AmfObject =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Date) &&
  !(value instanceof Uint8Array) &&
  !(value instanceof Map)
