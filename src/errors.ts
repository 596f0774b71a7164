/**
 * L0. The one table of errors: code, HTTP status, sentence. It lies beneath everything because parsers of
 * control data (SDP, AMF, URLs) throw from it too. Damage on the media path never throws: it is counted.
 */
export const ERRORS = {
  'bad-name': [400, 'The stream name is not allowed'],
  'bad-request': [400, 'The request cannot be read'],
  'bad-config': [400, 'The configuration is not valid'],
  'bad-url': [400, 'The URL is not valid'],
  malformed: [400, 'The data is malformed'],
  'limit-exceeded': [413, 'A limit was exceeded'],
  unauthorized: [401, 'Credentials are missing or wrong'],
  forbidden: [403, 'This is not allowed'],
  'not-found': [404, 'There is no such thing'],
  'stream-offline': [404, 'The stream is not live'],
  'name-taken': [409, 'The stream is already being published'],
  'no-common-codec': [406, 'Source and destination have no codec in common'],
  'unsupported-media-type': [415, 'The content type is not taken here'],
  'precondition-failed': [412, 'The session has changed meanwhile'],
  'unsupported-codec': [415, 'The codec is not supported'],
  'transcode-unavailable': [503, 'The media must be transcoded, which is not possible'],
  'b-frames': [406, 'The source has B-frames that the destination cannot show'],
  'not-implemented': [501, 'This is not supported'],
  busy: [503, 'Too much is asked for at once'],
  'no-space': [507, 'There is not enough room on the disk'],
  'dependency-missing': [503, 'A program that is needed is missing'],
  'port-in-use': [500, 'The address cannot be listened on'],
  'connect-failed': [502, 'The remote end cannot be reached'],
  'connection-lost': [502, 'The connection was lost'],
  untrusted: [502, 'The certificate of the remote end is not trusted'],
  'hung-up': [502, 'The remote end hung up soon'],
  refused: [502, 'The remote end refused'],
  timeout: [504, 'It took too long'],
  'io-failed': [500, 'Reading or writing failed'],
  closed: [410, 'It is closed'],
  shutdown: [503, 'The gateway is shutting down'],
  internal: [500, 'Something is wrong inside the gateway'],
} as const satisfies Record<string, readonly [status: number, sentence: string]>

export type ErrorCode = keyof typeof ERRORS

export interface ErrorInit {
  readonly cause?: unknown
  /** Seconds until another try may work; becomes Retry-After. */
  readonly retryAfterS?: number
}

/** Any refusal or failure that a user can see. `message` is one sentence with the names and numbers of the case. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  /** The message without the sentence of the table. */
  readonly detail: string | undefined
  readonly retryAfterS: number | undefined

  constructor(code: ErrorCode, detail?: string, init: ErrorInit = {}) {
    super(detail === undefined ? ERRORS[code][1] : `${ERRORS[code][1]}: ${detail}`, { cause: init.cause })
    this.code = code
    this.detail = detail
    this.retryAfterS = init.retryAfterS
  }

  /** HTTP status that the code maps to. */
  get status(): number {
    return ERRORS[this.code][0]
  }
}

/** Whatever was thrown, as a GatewayError; foreign errors keep their message and become `fallback`. */
export const toGatewayError = (thrown: unknown, fallback: ErrorCode = 'internal'): GatewayError =>
  thrown instanceof GatewayError
    ? thrown
    : new GatewayError(fallback, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
