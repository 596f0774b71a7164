/**
 * What a browser may be tricked into: a foreign page posting to us (CSRF), and a foreign name that resolves to our
 * address (DNS rebinding). Requests are judged by their Host and Origin before any route sees them.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { SharedConfig } from '../config/schema.ts'
import { GatewayError } from '../errors.ts'

type HttpConfig = SharedConfig['http']

const hostName = (host: string): string => {
  const name = /^\[(.*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '')
  return name.toLowerCase().replace(/\.$/, '')
}
const isLocalName = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost')

/** @throws GatewayError `forbidden` for a Host that is neither an IP address, localhost nor listed in http.hosts. */
export const checkHost = (request: Request, { hosts, listen }: HttpConfig): void => {
  const name = hostName(request.headers.get('host') ?? '')
  if (isIP(name) !== 0 || isLocalName(name) || name === listen.host || hosts.includes(name)) return
  throw new GatewayError('forbidden', `the Host "${name}" is not ours: list it in http.hosts if it should be`)
}

/** The Origin, when it belongs to a page of another site. */
export const foreignOrigin = (request: Request): string | undefined => {
  const origin = request.headers.get('origin')?.toLowerCase()
  if (origin === undefined) return undefined
  const own = request.headers.get('host')?.toLowerCase()
  return origin.replace(/^https?:\/\//, '') === own ? undefined : origin
}

const corsHeaders = (origin: string): Record<string, string> => ({
  'access-control-allow-origin': origin,
  'access-control-expose-headers': 'Location, Link, ETag, Accept-Patch, Retry-After',
  vary: 'Origin',
})

/**
 * The CORS headers for the response; none for requests of our own pages and of programs.
 * @throws GatewayError `forbidden` when a foreign page that http.origins does not list asks for more than reading.
 */
export const checkOrigin = (request: Request, { origins }: HttpConfig): Record<string, string> => {
  const origin = foreignOrigin(request)
  if (origin === undefined) return {}
  if (origins.includes('*') || origins.includes(origin)) return corsHeaders(origin)
  if (request.method === 'GET' || request.method === 'HEAD') return {}
  throw new GatewayError(
    'forbidden',
    `pages of ${origin} may not do this: list it in http.origins if they should`,
  )
}

/** The answer to a CORS preflight whose origin was already allowed. */
export const preflight = (headers: Record<string, string>): Response =>
  new Response(null, {
    status: 204,
    headers: {
      ...headers,
      'access-control-allow-methods': 'GET, POST, PATCH, DELETE, OPTIONS',
      'access-control-allow-headers': 'Content-Type, Authorization, If-Match',
      'access-control-max-age': '600',
    },
  })

/**
 * IP address of the peer. Behind a proxy on this machine it is the address the proxy reports, so that being proxied
 * never counts as being local.
 */
export const remoteAddress = (incoming: IncomingMessage): string => {
  const peer = incoming.socket.remoteAddress ?? ''
  const forwarded = incoming.headers['x-forwarded-for'] ?? incoming.headers.forwarded
  if (forwarded === undefined || !/^(127\.|::1$|::ffff:127\.)/.test(peer)) return peer
  const last = String(forwarded).split(',').at(-1)?.trim() ?? ''
  return isIP(last) !== 0 && !/^(127\.|::1$|::ffff:127\.)/.test(last) ? last : 'forwarded'
}
