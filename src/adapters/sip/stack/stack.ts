import type { Clock } from '../../../core/types.ts'
import type { Logger } from '../../adapter.ts'
import type { Source, Target } from '../addresses.ts'
import type { ResponseDraft } from '../message/format-message.ts'
import type { HeaderList } from '../message/header-list.ts'
import type { ExtraHeaders, SipRequest, SipUri } from '../message/types.ts'
import type { SessionTimerOptions } from '../signalling.ts'
import type { SipTimes, TransactionContext } from '../transaction/times.ts'
import type { TransactionTable } from '../transaction/transaction-table.ts'
import type { Flow } from '../transport/flow.ts'
import type { LocalHost } from '../transport/local-host.ts'
import type { Transports } from '../transport/transports.ts'

/** Whoever takes the requests of one dialog. */
export interface DialogUser {
  /** Every request but CANCEL and the ACK of a refusal; retransmissions were answered already. */
  receive(request: SipRequest, flow: Flow): void
  /** The gateway shuts down. */
  hangUp(reason: string): void
}

/** What every part of the signalling works with. */
export interface Stack {
  readonly clock: Clock
  readonly log: Logger
  readonly times: SipTimes
  readonly context: TransactionContext
  readonly userAgent: string
  readonly transports: Transports
  readonly table: TransactionTable
  readonly localHost: LocalHost
  readonly dialogs: Map<string, DialogUser>
  readonly sessionTimer: SessionTimerOptions
  /** Allow, Accept and Supported, as they go into requests, 2xx, 405, 415 and 420. */
  readonly capabilities: ExtraHeaders
  readonly supported: readonly string[]
  readonly locate: (uri: SipUri) => readonly Target[] | Promise<readonly Target[]>
  /** 0 to 1, for the random waits. */
  readonly random: () => number
  formatResponse(request: HeaderList, draft: ResponseDraft): Buffer
}

export const dialogKey = (callId: string, localTag: string, remoteTag: string): string =>
  `${callId} ${localTag} ${remoteTag}`

/** Without what else a flow has. */
export const sourceOf = ({ transport, ip, port, local, isProven }: Source): Source => ({
  ...{ transport, ip, port, local },
  ...(isProven !== undefined && { isProven }),
})
