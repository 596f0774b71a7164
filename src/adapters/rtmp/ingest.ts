import { describeReason } from '../../core/scope.ts'
import type { Clock, CloseReason, Publication } from '../../core/types.ts'
import { publishTags } from '../../flv-session/ingest.ts'
import type { FlvTag } from '../../media/flv/types.ts'
import type { Logger } from '../adapter.ts'

export interface RtmpIngestOptions {
  readonly publication: Publication
  readonly clock: Clock
  readonly log: Logger
  /** So long without a tag, and the source counts as dead. */
  readonly idleMs: number
  onDead(reason: CloseReason): void
}

/** Tags of one RTMP source, a publisher of ours or a remote server, into a publication. */
export interface RtmpIngest {
  push(tag: FlvTag): void
}

export const createRtmpIngest = (options: RtmpIngestOptions): RtmpIngest => {
  const { publication, clock, log, idleMs } = options
  const tags = publishTags({ publication, clock, log })
  let lastTagUs = clock.now()
  let cancel = (): void => undefined
  const silentMs = (): number => (clock.now() - lastTagUs) / 1000
  const watch = (): void => {
    const leftMs = idleMs - silentMs()
    if (leftMs > 0) cancel = clock.after(leftMs * 1000, watch)
    else options.onDead({ code: 'timeout', detail: `no media for ${Math.round(silentMs())} ms` })
  }
  watch()
  void publication.closed.then(reason => {
    cancel()
    tags.end()
    log.info({ stream: publication.stream, reason: describeReason(reason) }, 'RTMP source ended')
  })
  return {
    push: tag => {
      lastTagUs = clock.now()
      tags.push(tag)
    },
  }
}
