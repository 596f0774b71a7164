/** HTTP-FLV play: GET /live/cam.flv. */
import type { ServerResponse } from 'node:http'
import { closable, createScope, describeReason } from '../../core/scope.ts'
import { parseStreamName } from '../../core/stream-name.ts'
import type { CloseReason, Egress, OpenTrack } from '../../core/types.ts'
import { acceptsFlv, createFlvOutput, unsureFourCcs } from '../../flv-session/egress.ts'
import { shareBytes } from '../../flv-session/share-bytes.ts'
import { writeFileHeader, writeTag } from '../../media/flv/file.ts'
import type { Access, AdapterContext, HttpExchange } from '../adapter.ts'
import { httpCredentials } from '../credentials.ts'
import type { FlvConfig } from './config.ts'

const SUFFIX = '.flv'
/** What a viewer that is let go may still take of what waits for it. */
const LINGER_US = 2_000_000

const tagBytes = shareBytes(writeTag)

const has = (tracks: readonly OpenTrack[], kind: string): boolean =>
  tracks.some(({ track }) => track.kind === kind)

/** A viewer with a queue that it does not read is cut off; others get what is on its way. */
const hangUp = (response: ServerResponse, reason: CloseReason, { clock }: AdapterContext): void => {
  if (reason.code === 'slow-subscriber') {
    response.destroy()
    return
  }
  const cancel = clock.after(LINGER_US, () => response.destroy())
  response.once('close', cancel)
  response.end()
}

const createHttpEgress = (exchange: HttpExchange, context: AdapterContext, config: FlvConfig): Egress => {
  const label = `http-flv ${exchange.remote}`
  const scope = createScope(label)
  let response: ServerResponse | undefined
  let written = 0
  const write = (bytes: Uint8Array): void => {
    written += bytes.length
    response?.write(bytes)
  }
  const backlog = (): number => response?.writableLength ?? 0
  const output = createFlvOutput({ write: message => write(tagBytes(message)) })

  /** Only now the plan is known to be good: until here a refusal is an answer with a problem in it. */
  const start = (tracks: readonly OpenTrack[]): void => {
    response = exchange.takeOver()
    const leave = (): void =>
      void scope.close({ code: 'subscriber-left', detail: 'the viewer closed the connection' })
    response.once('close', leave)
    response.once('error', leave)
    response.writeHead(200, {
      'content-type': 'video/x-flv',
      'cache-control': 'no-store',
    })
    write(writeFileHeader(has(tracks, 'video'), has(tracks, 'audio')))
  }

  void scope.closed.then(reason => {
    if (response !== undefined) hangUp(response, reason, context)
  })
  return {
    label,
    pressure: {
      mode: 'drop-to-key',
      highWater: config.viewerHighWaterBytes,
      giveUpMs: config.viewerGiveUpMs,
    },
    takesLateTracks: true,
    accepts: tracks => acceptsFlv(tracks, { fourCcs: config.fourCcs, unsure: unsureFourCcs }),
    open(tracks) {
      if (response === undefined) start(tracks)
      return output.open(tracks)
    },
    backlog,
    link: () => ({ sentBytes: Math.max(0, written - backlog()) }),
    ...closable(scope),
  }
}

const accessOf = ({ request, remote }: HttpExchange, stream: string): Access => ({
  action: 'subscribe',
  stream,
  protocol: 'http-flv',
  remote,
  ...httpCredentials(request),
})

/** Aborts with words for people when the viewer's connection is gone, also before anything was sent. */
const signalOfViewer = ({ request }: HttpExchange): AbortSignal => {
  const gone = new AbortController()
  const reason: CloseReason = { code: 'subscriber-left', detail: 'the viewer closed the connection' }
  const abort = (): void => gone.abort(reason)
  if (request.signal.aborted) abort()
  else request.signal.addEventListener('abort', abort, { once: true })
  return gone.signal
}

/** Mounts the play route on the gateway's HTTP server. */
export const mountHttpFlv = (context: AdapterContext, config: FlvConfig): void => {
  const { registry, http, log } = context
  http.route('GET', '/:stream{.+\\.flv}', async exchange => {
    const stream = parseStreamName((exchange.params.stream ?? '').slice(0, -SUFFIX.length))
    await context.authorize(accessOf(exchange, stream))
    const egress = createHttpEgress(exchange, context, config)
    const { remote } = exchange
    const subscription = await registry.subscribe(stream, egress, {
      signal: signalOfViewer(exchange),
      start: 'last-gop',
    })
    log.info({ stream, remote }, 'HTTP-FLV viewer joined')
    void subscription.closed.then(reason => {
      log.info({ stream, remote, reason: describeReason(reason) }, 'HTTP-FLV viewer left')
    })
    return undefined
  })
}
