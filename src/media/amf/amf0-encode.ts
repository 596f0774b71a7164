import { GatewayError } from '../../errors.ts'
import { AmfOutput } from './output.ts'
import type { AmfValue } from './value.ts'

const MAX_SHORT = 0xffff

const writeKey = (output: AmfOutput, key: string): void => {
  const bytes = AmfOutput.utf8(key)
  if (bytes.length > MAX_SHORT) throw new GatewayError('limit-exceeded', `AMF key of ${bytes.length} bytes`)
  output.u16(bytes.length)
  output.raw(bytes)
}

const writeString = (output: AmfOutput, value: string): void => {
  const bytes = AmfOutput.utf8(value)
  if (bytes.length > MAX_SHORT) {
    output.u8(0x0c)
    output.u32(bytes.length)
  } else {
    output.u8(0x02)
    output.u16(bytes.length)
  }
  output.raw(bytes)
}

const writeMembers = (output: AmfOutput, entries: Iterable<readonly [string, AmfValue]>): void => {
  output.enter()
  for (const [key, value] of entries) {
    writeKey(output, key)
    writeValue(output, value)
  }
  output.leave()
  output.u16(0)
  output.u8(0x09)
}

const writeStrictArray = (output: AmfOutput, values: readonly AmfValue[]): void => {
  output.u8(0x0a)
  output.u32(values.length)
  output.enter()
  for (const value of values) writeValue(output, value)
  output.leave()
}

const writeObject = (output: AmfOutput, value: object): void => {
  if (value instanceof Date) {
    output.u8(0x0b)
    output.f64(value.getTime())
    output.u16(0)
  } else if (value instanceof Map) {
    output.u8(0x08)
    output.u32(value.size)
    writeMembers(output, value)
  } else if (value instanceof Uint8Array) {
    throw new GatewayError('not-implemented', 'AMF 0 has no type for bytes')
  } else if (Array.isArray(value)) {
    writeStrictArray(output, value)
  } else {
    output.u8(0x03)
    writeMembers(output, Object.entries(value))
  }
}

const writeValue = (output: AmfOutput, value: AmfValue): void => {
  if (value === undefined) output.u8(0x06)
  else if (value === null) output.u8(0x05)
  else if (typeof value === 'string') writeString(output, value)
  else if (typeof value === 'object') writeObject(output, value)
  else if (typeof value === 'boolean') {
    output.u8(0x01)
    output.u8(value ? 1 : 0)
  } else {
    output.u8(0x00)
    output.f64(value)
  }
}

/**
 * The values one after the other, as AMF 0. A Map becomes an ECMA array (what `onMetaData` carries).
 * @throws GatewayError 'limit-exceeded' for a value that contains itself, 'not-implemented' for bytes
 */
export const encodeAmf0 = (...values: readonly AmfValue[]): Uint8Array => {
  const output = new AmfOutput()
  for (const value of values) writeValue(output, value)
  return output.finish()
}
