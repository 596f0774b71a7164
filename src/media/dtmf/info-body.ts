/** Pressed keys in the body of a SIP INFO: application/dtmf-relay and application/dtmf, which no RFC describes. */
import { type Digit, digitFrom } from './digits.ts'

export type DtmfContentType = 'application/dtmf-relay' | 'application/dtmf'

export interface DtmfInfo {
  readonly digit: Digit
  /** How long the key is held; absent: not said. */
  readonly durationMs?: number
}

const EVENT_NUMBERS: Readonly<Record<string, Digit>> = {
  '10': '*',
  '11': '#',
  '12': 'A',
  '13': 'B',
  '14': 'C',
  '15': 'D',
}

/** Some send the event's number, some the key. */
const keyOf = (text: string): Digit | undefined => EVENT_NUMBERS[text] ?? digitFrom(text)

const field = (body: string, name: string): string | undefined =>
  new RegExp(`^[ \\t]*${name}[ \\t]*=[ \\t]*(\\S+)`, 'im').exec(body)?.[1]

const withDuration = (digit: Digit | undefined, duration: string | undefined): DtmfInfo | undefined => {
  if (digit === undefined) return undefined
  const durationMs = Number.parseInt(duration ?? '', 10)
  return Number.isFinite(durationMs) && durationMs > 0 ? { digit, durationMs } : { digit }
}

export const isDtmfContentType = (type: string): boolean =>
  /^application\/dtmf(-relay)?$/i.test(type.split(';')[0]!.trim())

/** undefined: neither body names a key. */
export const parseDtmfInfo = (contentType: string, body: string): DtmfInfo | undefined => {
  if (!isDtmfContentType(contentType)) return undefined
  const signal = field(body, 'Signal') ?? body.trim().split(/\s/)[0] ?? ''
  return withDuration(keyOf(signal), field(body, 'Duration'))
}

export const formatDtmfInfo = (type: DtmfContentType, { digit, durationMs = 160 }: DtmfInfo): string =>
  type === 'application/dtmf' ? `${digit}\r\n` : `Signal=${digit}\r\nDuration=${durationMs}\r\n`
