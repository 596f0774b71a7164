/** Commands (7.2): a name, a transaction number, a command object and arguments, as AMF 0 values. */
import { GatewayError } from '../../errors.ts'
import { decodeAmf0 } from '../../media/amf/amf0-decode.ts'
import { encodeAmf0 } from '../../media/amf/amf0-encode.ts'
import { type AmfObject, type AmfValue, isAmfObject } from '../../media/amf/value.ts'
import { MESSAGE, type RtmpMessage } from './message.ts'

const LIMITS = { bytes: 64 << 10, depth: 16, values: 2048 }

export type CommandForm = typeof MESSAGE.commandAmf0 | typeof MESSAGE.commandAmf3

export interface Command {
  readonly name: string
  /** 0: no answer is expected. */
  readonly transaction: number
  readonly object: AmfValue
  readonly args: readonly AmfValue[]
  readonly streamId: number
  /** The message type it came in; answers go out in the same. */
  readonly form: CommandForm
}

/**
 * Type 20 holds AMF 0; type 17 a format selector of 0, then AMF 0 whose values may switch to AMF 3 one by one. Some
 * senders of type 17 leave the selector out.
 * @throws GatewayError 'malformed' or 'limit-exceeded'
 */
export const parseCommand = (message: RtmpMessage): Command => {
  const { streamId, body } = message
  const amf3 = message.type === MESSAGE.commandAmf3
  const values = decodeAmf0(amf3 && body[0] === 0 ? body.subarray(1) : body, LIMITS)
  const [name, transaction, object, ...args] = values
  if (typeof name !== 'string') throw new GatewayError('malformed', 'a command without a name')
  return {
    name,
    transaction: typeof transaction === 'number' && transaction > 0 ? transaction : 0,
    object,
    args,
    streamId,
    form: amf3 ? MESSAGE.commandAmf3 : MESSAGE.commandAmf0,
  }
}

/** The body of a command message. */
export const encodeCommand = (form: CommandForm, values: readonly AmfValue[]): Uint8Array => {
  const body = encodeAmf0(...values)
  return form === MESSAGE.commandAmf3 ? Buffer.concat([Buffer.of(0), body]) : body
}

/** The `info` object of onStatus, _result and _error. */
export interface StatusInfo {
  readonly level: 'status' | 'error' | 'warning'
  readonly code: string
  readonly description: string
}

export const statusObject = (info: StatusInfo, more: AmfObject = {}): AmfObject => ({ ...info, ...more })

const text = (value: AmfValue): string => (typeof value === 'string' ? value : '')

/** Reads a peer's info object; anything missing is empty, nothing throws. */
export const readStatus = (value: AmfValue): StatusInfo => {
  const object = value !== undefined && isAmfObject(value) ? value : {}
  const level = object.level === 'error' || object.level === 'warning' ? object.level : 'status'
  return { level, code: text(object.code), description: text(object.description) }
}

const member = (value: AmfValue, key: string): AmfValue =>
  value !== undefined && isAmfObject(value) ? value[key] : undefined

/** A member of a command object, when it is a string. */
export const stringMember = (value: AmfValue, key: string): string | undefined => {
  const found = member(value, key)
  return typeof found === 'string' ? found : undefined
}

/** A member of a command object, when it is a number. */
export const numberMember = (value: AmfValue, key: string): number | undefined => {
  const found = member(value, key)
  return typeof found === 'number' ? found : undefined
}
