/** Errors over HTTP as problem details (RFC 9457), every one of them, from one table. */
import { ERRORS, type GatewayError, toGatewayError } from '../errors.ts'

const headersOf = (error: GatewayError): Record<string, string> => ({
  'content-type': 'application/problem+json',
  'cache-control': 'no-store',
  // RFC 9110 15.5.2. No Basic: it would open the browser's own dialog in front of the page.
  ...(error.code === 'unauthorized' ? { 'www-authenticate': 'Bearer realm="crosspoint"' } : {}),
  ...(error.retryAfterS === undefined ? {} : { 'retry-after': String(error.retryAfterS) }),
})

/** The response for anything thrown. What is no GatewayError is a fault of ours: its message stays inside. */
export const problem = (
  thrown: unknown,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response => {
  const error = toGatewayError(thrown)
  const body = {
    type: `urn:crosspoint:error:${error.code}`,
    title: ERRORS[error.code][1],
    status: init.status ?? error.status,
    detail: error.code === 'internal' ? ERRORS.internal[1] : error.message,
    code: error.code,
  }
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { ...headersOf(error), ...init.headers },
  })
}
