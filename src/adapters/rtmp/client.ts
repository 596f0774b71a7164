/** We dial: RTMP over TCP or TLS, one connection per stream. */
import { readFile } from 'node:fs/promises'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { closable, createScope, describeReason } from '../../core/scope.ts'
import type { Clock, Closable, Egress, Publication } from '../../core/types.ts'
import { type ErrorCode, GatewayError } from '../../errors.ts'
import type { AdapterContext } from '../adapter.ts'
import { pinnedLookup } from '../pinned-lookup.ts'
import { type ClientEvents, RtmpClientSession } from './client-session.ts'
import type { RtmpConfig } from './config.ts'
import type { Transport } from './connection.ts'
import { createRtmpEgress } from './egress.ts'
import { createRtmpIngest, type RtmpIngest } from './ingest.ts'
import { RTMP_LIMITS } from './message.ts'
import { createSocketTransport } from './socket-transport.ts'
import { parseRtmpUrl, type RtmpAddress } from './url.ts'

const openSocket = async (
  { secure, host, port }: RtmpAddress,
  { tls }: RtmpConfig,
  context: AdapterContext,
): Promise<Socket> => {
  const tcp = { host, port, noDelay: true, keepAlive: true, ...(await pinnedLookup(context, host)) }
  if (!secure) return connect(tcp)
  const ca = tls.caFile === undefined ? {} : { ca: await readFile(tls.caFile) }
  // RFC 6066 3: a server name is never an IP address.
  const name = isIP(host) === 0 ? { servername: host } : {}
  return connectTls({ ...tcp, ...ca, ...name, rejectUnauthorized: tls.rejectUnauthorized })
}

interface Dialled {
  readonly session: RtmpClientSession
  readonly transport: Transport
  readonly streamId: number
}

/** Connects and gets permission for `purpose`; everything that goes wrong until then rejects, later it is an event. */
const dial = async (
  purpose: 'publish' | 'play',
  address: RtmpAddress,
  config: RtmpConfig,
  context: AdapterContext,
  events: ClientEvents,
): Promise<Dialled> => {
  const { clock } = context
  const socket = await openSocket(address, config, context)
  const transport = createSocketTransport(socket, clock)
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => undefined) // told by an event as well
  const session = new RtmpClientSession(address, RTMP_LIMITS, transport, {
    ...events,
    onFailure: error => {
      socket.destroy()
      broken.reject(error)
      events.onFailure(error)
    },
  })
  let connected = false
  const cancel = clock.after(config.connectTimeoutMs * 1000, () => {
    const stage = connected ? session.stage : 'connecting'
    const what = `${address.label}: ${stage} was not over within ${config.connectTimeoutMs} ms`
    session.fail(new GatewayError('timeout', what))
  })
  socket.on('data', bytes => session.receive(bytes))
  socket.on('error', error => {
    session.fail(
      new GatewayError(codeOf(error, connected), `${address.label}: ${error.message}`, { cause: error }),
    )
  })
  let permittedAt = Number.POSITIVE_INFINITY
  socket.on('close', () => session.fail(closedDuring(address, session.stage, clock.now() - permittedAt)))
  socket.once(address.secure ? 'secureConnect' : 'connect', () => {
    connected = true
  })
  try {
    const streamId = await session[purpose]()
    permittedAt = clock.now()
    if (purpose === 'publish') await Promise.race([broken.promise, afterwords(clock)])
    return { session, transport, streamId }
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    cancel()
  }
}

/**
 * A server that hangs up right behind its permission is heard before any media is under way: media that nobody reads
 * turns a hang-up into a reset, which says nothing.
 */
const AFTERWORDS_US = 50_000
const afterwords = (clock: Clock): Promise<void> =>
  new Promise(resolve => void clock.after(AFTERWORDS_US, resolve))

const CERTIFICATE = /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH)/

/** A certificate that we do not accept will not be another one in a minute, other failures may pass. */
const codeOf = ({ code = '' }: NodeJS.ErrnoException, connected: boolean): ErrorCode => {
  if (CERTIFICATE.test(code)) return 'untrusted'
  return connected ? 'connection-lost' : 'connect-failed'
}

/** nginx-rtmp gives permission first and hangs up when its own checks then refuse; one that restarts does the same. */
const SECOND_THOUGHTS_US = 3_000_000

/** Some servers refuse without a word, so this may be a refusal or none. `runningUs`: since permission was given. */
const closedDuring = ({ label }: RtmpAddress, stage: string, runningUs: number): GatewayError => {
  const settled = runningUs > SECOND_THOUGHTS_US
  const code = stage === 'handshake' ? 'connect-failed' : settled ? 'closed' : 'hung-up'
  return new GatewayError(code, `${label} closed the connection during ${stage}`)
}

/** We publish to a remote server. Resolves when it allowed that. */
export const pushRtmp = async (context: AdapterContext, config: RtmpConfig, url: URL): Promise<Egress> => {
  const address = parseRtmpUrl(url)
  let egress: Egress | undefined
  const { session, transport, streamId } = await dial('publish', address, config, context, {
    onTag: () => undefined,
    onEnd: detail => void egress?.close({ code: 'failed', detail }),
    onFailure: error => void egress?.close({ code: 'failed', detail: error.message, error }),
  })
  egress = createRtmpEgress({
    label: `rtmp ${address.label}`,
    connection: session.connection,
    transport,
    clock: context.clock,
    streamId,
    role: 'publish',
    fourCcs: session.fourCcs ?? [],
    pressure: {
      mode: 'drop-to-key',
      highWater: config.readerHighWaterBytes,
      giveUpMs: config.readerGiveUpMs,
    },
    onOpen: () => {
      session.connection.replyLimit = RTMP_LIMITS.replyBytes + 2 * config.readerHighWaterBytes
    },
    onClose: reason => {
      context.log.info({ to: address.label, reason: describeReason(reason) }, 'RTMP push ended')
      session.endPublish()
    },
  })
  return egress
}

/** We play from a remote server into `publication`. Resolves when it allowed that. */
export const pullRtmp = async (
  context: AdapterContext,
  config: RtmpConfig,
  url: URL,
  publication: Publication,
): Promise<Closable> => {
  const address = parseRtmpUrl(url)
  const label = `rtmp ${address.label}`
  const scope = createScope(label, { signal: publication.signal })
  let ingest: RtmpIngest | undefined
  // The first tag may come in the same buffer as the permission to play.
  const ingestOf = (): RtmpIngest => {
    ingest ??= createRtmpIngest({
      publication,
      clock: context.clock,
      log: context.log,
      idleMs: config.sourceIdleMs,
      onDead: reason => void scope.close(reason),
    })
    return ingest
  }
  const { session } = await dial('play', address, config, context, {
    onTag: tag => ingestOf().push(tag),
    onEnd: detail => void scope.close({ code: 'source-ended', detail }),
    onFailure: error => void scope.close({ code: 'failed', detail: error.message, error }),
  })
  ingestOf()
  scope.defer(() => session.connection.end())
  return closable(scope)
}
