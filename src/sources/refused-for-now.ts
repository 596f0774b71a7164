import { type ErrorCode, GatewayError } from '../errors.ts'

/** No waiting heals these. */
const forGood: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['bad-url', 'bad-name', 'not-implemented'])
const patienceS = 1

/** What a source refuses today (there is no such stream yet, somebody else holds the name) it may give later. */
export const refusedForNow = (error: GatewayError): GatewayError =>
  forGood.has(error.code) || error.retryAfterS !== undefined
    ? error
    : new GatewayError(error.code, error.detail, { cause: error, retryAfterS: patienceS })
