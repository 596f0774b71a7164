import { closable, createScope } from '../../core/scope.ts'
import type { CloseReason, Egress, EgressProgress, Pressure } from '../../core/types.ts'
import { acceptsFlv, createFlvOutput } from '../../flv-session/egress.ts'
import type { FlvMessage } from '../../flv-session/types.ts'
import type { RtmpConnection, Transport } from './connection.ts'
import { shareMedia, writePublishedMetadata } from './shared-chunks.ts'

export interface RtmpEgressOptions {
  readonly label: string
  readonly connection: RtmpConnection
  readonly transport: Transport
  readonly streamId: number
  /** 'publish': we push to a server; 'play': a player reads from us. */
  readonly role: 'publish' | 'play'
  readonly fourCcs: readonly string[]
  /** Those the peer may take, though it did not say so. */
  readonly unsure?: readonly string[]
  readonly pressure: Pressure & { readonly mode: 'drop-to-key' }
  /** The plan stands, media follows at once. */
  onOpen(): void
  /** Once: say good-bye and let the connection go. */
  onClose(reason: CloseReason): void
}

/** A peer that has acknowledged less often may not know what an acknowledgement is. */
const RELIABLE_ACKS = 3

const progressOf = ({ stats, acknowledgements }: RtmpConnection, backlog: number): EgressProgress => {
  const taken = stats.sent - backlog
  const { count, window } = acknowledgements
  if (count < RELIABLE_ACKS) return { taken }
  // 5.4.3: modulo 2^32; some peers count the handshake, so that they may be ahead of us.
  const missing = ((stats.sent % 2 ** 32) - stats.acknowledged) >>> 0
  return { taken, acknowledged: { count, missing: missing < 2 ** 31 ? missing : 0, window } }
}

/** Subscribed tracks to one RTMP connection. Closing it ends the connection. */
export const createRtmpEgress = (options: RtmpEgressOptions): Egress => {
  const { connection, transport, streamId, role } = options
  const scope = createScope(options.label)
  void scope.closed.then(reason => options.onClose(reason))
  const write = (message: FlvMessage): void => {
    const asPublisher = role === 'publish' && message.role === 'metadata'
    connection.write(asPublisher ? writePublishedMetadata(message, streamId) : shareMedia(message, streamId))
  }
  const output = createFlvOutput(write)
  let opened = false
  return {
    label: options.label,
    pressure: options.pressure,
    takesLateTracks: true,
    accepts: tracks => acceptsFlv(tracks, options),
    open: tracks => {
      if (!opened) options.onOpen()
      opened = true
      return output.open(tracks)
    },
    backlog: () => transport.backlog(),
    progress: () => progressOf(connection, transport.backlog()),
    ...closable(scope),
  }
}
