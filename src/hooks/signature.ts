/** Receivers know by it that a request is ours, whole, and not an old one again. */
import { createHmac } from 'node:crypto'
import type { Secret } from '../adapters/secret.ts'

export const SIGNATURE_HEADER = 'x-crosspoint-signature'
export const TIMESTAMP_HEADER = 'x-crosspoint-timestamp'
/** The same in every try of one event. */
export const ID_HEADER = 'x-crosspoint-id'

/** `sha256=` and HMAC-SHA256 in hex over the timestamp, a dot, and the body. `timestamp` in Unix seconds. */
export const sign = (secret: Secret, timestamp: number, body: string): string =>
  `sha256=${createHmac('sha256', secret.reveal()).update(`${timestamp}.${body}`).digest('hex')}`
