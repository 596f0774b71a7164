import { AmfOutput } from './output.ts'
import type { AmfValue } from './value.ts'

const MAX_INTEGER = 0x0fff_ffff
const MIN_INTEGER = -0x1000_0000

const writeU29 = (output: AmfOutput, value: number): void => {
  if (value >= 0x20_0000) {
    output.u8(0x80 | (value >> 22))
    output.u8(0x80 | ((value >> 15) & 0x7f))
    output.u8(0x80 | ((value >> 8) & 0x7f))
    output.u8(value & 0xff)
    return
  }
  if (value >= 0x4000) output.u8(0x80 | (value >> 14))
  if (value >= 0x80) output.u8(0x80 | ((value >> 7) & 0x7f))
  output.u8(value & 0x7f)
}

/** Length and "not a reference" bit, then the bytes. References are never written: they are optional. */
const writeInline = (output: AmfOutput, bytes: Uint8Array): void => {
  writeU29(output, (bytes.length << 1) | 1)
  output.raw(bytes)
}

const writeNumber = (output: AmfOutput, value: number): void => {
  if (Number.isInteger(value) && value >= MIN_INTEGER && value <= MAX_INTEGER && !Object.is(value, -0)) {
    output.u8(0x04)
    writeU29(output, value & 0x1fff_ffff)
  } else {
    output.u8(0x05)
    output.f64(value)
  }
}

const writeMembers = (output: AmfOutput, entries: Iterable<readonly [string, AmfValue]>): void => {
  output.enter()
  for (const [key, value] of entries) {
    if (key === '') continue // 3.11, 3.12: an empty name is the end mark and cannot be carried
    writeInline(output, AmfOutput.utf8(key))
    writeValue(output, value)
  }
  output.leave()
  output.u8(0x01)
}

const writeArray = (output: AmfOutput, values: readonly AmfValue[]): void => {
  output.u8(0x09)
  writeU29(output, (values.length << 1) | 1)
  output.u8(0x01)
  output.enter()
  for (const value of values) writeValue(output, value)
  output.leave()
}

const writeObject = (output: AmfOutput, value: object): void => {
  if (value instanceof Date) {
    output.u8(0x08)
    output.u8(0x01)
    output.f64(value.getTime())
  } else if (value instanceof Uint8Array) {
    output.u8(0x0c)
    writeInline(output, value)
  } else if (value instanceof Map) {
    output.u8(0x09)
    output.u8(0x01)
    writeMembers(output, value)
  } else if (Array.isArray(value)) {
    writeArray(output, value)
  } else {
    output.u8(0x0a)
    output.u8(0x0b) // inline traits, dynamic, no sealed member
    output.u8(0x01) // no class name
    writeMembers(output, Object.entries(value))
  }
}

const writeValue = (output: AmfOutput, value: AmfValue): void => {
  if (value === undefined) output.u8(0x00)
  else if (value === null) output.u8(0x01)
  else if (typeof value === 'boolean') output.u8(value ? 0x03 : 0x02)
  else if (typeof value === 'number') writeNumber(output, value)
  else if (typeof value === 'string') {
    output.u8(0x06)
    writeInline(output, AmfOutput.utf8(value))
  } else writeObject(output, value)
}

/**
 * The values one after the other, as AMF 3. A Map becomes an associative array.
 * @throws GatewayError 'limit-exceeded' for a value that contains itself
 */
export const encodeAmf3 = (...values: readonly AmfValue[]): Uint8Array => {
  const output = new AmfOutput()
  for (const value of values) writeValue(output, value)
  return output.finish()
}
