/** AMF 3 by itself: the gateway meets it only as a value within AMF 0. */
import { Amf3Decoder } from '../../src/media/amf/amf3-decode.ts'
import { AmfInput } from '../../src/media/amf/input.ts'
import type { AmfLimits, AmfValue } from '../../src/media/amf/value.ts'

/** All values of `bytes`, one after the other, sharing one set of reference tables. */
export const decodeAmf3 = (bytes: Uint8Array, limits?: AmfLimits): AmfValue[] => {
  const input = new AmfInput(bytes, limits)
  const decoder = new Amf3Decoder(input)
  const values: AmfValue[] = []
  while (input.left > 0) values.push(decoder.value())
  return values
}
