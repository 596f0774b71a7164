/** WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) over the gateway's HTTP server. */

import { parseStreamName } from '../../core/stream-name.ts'
import { GatewayError } from '../../errors.ts'
import { attributeOf } from '../../media/sdp/attributes.ts'
import { parseSdp } from '../../media/sdp/parse.ts'
import type { HttpExchange, HttpMount } from '../adapter.ts'
import { credentialOf, httpCredentials } from '../credentials.ts'
import { acceptViewer } from './egress.ts'
import { type Answered, acceptPublisher } from './ingest.ts'
import type { Session, SessionHost, SessionKind, SessionRequest } from './session.ts'

const SDP = 'application/sdp'
const TRICKLE = 'application/trickle-ice-sdpfrag'
const RESOURCES = '/webrtc/sessions'

const requireType = (request: Request, wanted: string): void => {
  const given = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  if (given !== wanted)
    throw new GatewayError('unsupported-media-type', `it is ${given || 'missing'}, wanted ${wanted}`)
}

const sessionRequest = ({ request, params, remote }: HttpExchange): SessionRequest => ({
  stream: parseStreamName(params.stream ?? ''),
  remote,
  credential: credentialOf(httpCredentials(request)),
  userAgent: request.headers.get('user-agent') ?? '',
})

const created = ({ session, answer }: Answered): Response =>
  new Response(answer, {
    status: 201,
    headers: {
      'content-type': SDP,
      location: `${RESOURCES}/${session.id}`,
      etag: session.etag,
      'accept-patch': TRICKLE,
      'cache-control': 'no-store',
    },
  })

/** Nothing is read or made before the peer is allowed in. */
const answer = async (host: SessionHost, kind: SessionKind, exchange: HttpExchange): Promise<Response> => {
  const session = sessionRequest(exchange)
  const { stream, remote } = session
  const action = kind === 'whip' ? 'publish' : 'subscribe'
  await host.context.authorize({
    action,
    stream,
    protocol: kind,
    remote,
    ...httpCredentials(exchange.request),
  })
  requireType(exchange.request, SDP)
  const offer = await exchange.request.text()
  return created(
    kind === 'whip' ? acceptPublisher(host, session, offer) : await acceptViewer(host, session, offer),
  )
}

/** RFC 9725 4.9: what was shown to make a session must be shown to change it. */
const findSession = (host: SessionHost, { params, request }: HttpExchange): Session => {
  const session = host.sessions.get(params.id ?? '')
  if (session === undefined)
    throw new GatewayError('not-found', 'this WebRTC session has ended, or never was')
  const { credential } = session.request
  if (credential !== undefined && credential !== credentialOf(httpCredentials(request)))
    throw new GatewayError('unauthorized', 'this WebRTC session was made with other credentials')
  return session
}

/** The fragment has no v= and o= lines (RFC 8840 9); with them it is read as any description. */
const fragmentUfrag = (fragment: string): string | undefined => {
  const lines = fragment.replace(/^(v|o|s|t)=.*\r?\n/gm, '')
  const sdp = parseSdp(`v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\n${lines}`)
  return (
    sdp.media.map(media => attributeOf(media, 'ice-ufrag')).find(Boolean) ?? attributeOf(sdp, 'ice-ufrag')
  )
}

/**
 * Trickled candidates need nothing: an ICE-lite server learns addresses from the checks. A restart would need new
 * credentials, and a client that moves is found by its checks anyway, so it is refused by name.
 */
const patch = async (host: SessionHost, exchange: HttpExchange): Promise<Response> => {
  const session = findSession(host, exchange)
  requireType(exchange.request, TRICKLE)
  const match = exchange.request.headers.get('if-match')
  if (match !== null && match !== '*' && match !== session.etag)
    throw new GatewayError('precondition-failed', `its entity tag is ${session.etag}`)
  const ufrag = fragmentUfrag(await exchange.request.text())
  if (ufrag !== undefined && ufrag !== session.offer.iceUfrag)
    throw new GatewayError('not-implemented', 'ICE restarts by PATCH are not taken: POST a new offer')
  return new Response(null, { status: 204, headers: { etag: session.etag } })
}

const remove = async (host: SessionHost, exchange: HttpExchange): Promise<Response> => {
  const session = findSession(host, exchange)
  const code = session.kind === 'whip' ? 'source-ended' : 'subscriber-left'
  await session.close({ code, detail: 'DELETE' })
  return new Response(null, { status: 200 })
}

const describeEndpoint = async (): Promise<Response> =>
  new Response(null, { status: 204, headers: { 'accept-post': SDP, allow: 'POST, OPTIONS' } })

/** Mounts the endpoints and the session resources. */
export const mountWebRtc = (http: HttpMount, host: SessionHost): void => {
  for (const kind of ['whip', 'whep'] as const) {
    http.route('POST', `/${kind}/:stream{.+}`, exchange => answer(host, kind, exchange))
    http.route('OPTIONS', `/${kind}/:stream{.+}`, describeEndpoint)
  }
  http.route('PATCH', `${RESOURCES}/:id`, exchange => patch(host, exchange))
  http.route('DELETE', `${RESOURCES}/:id`, exchange => remove(host, exchange))
}
