/** A call as one end of a bridge: `pull` publishes its far side, `push` sends to it. */
import { closable } from '../../core/scope.ts'
import type { Closable, Egress, Publication } from '../../core/types.ts'
import { type ErrorCode, GatewayError } from '../../errors.ts'
import type { AdapterContext } from '../adapter.ts'
import type { CallReason } from '../call-desk.ts'
import type { PlacedCall } from './calls/board.ts'
import type { Call } from './calls/call.ts'
import { createCallEgress } from './calls/call-egress.ts'
import type { Switchboard } from './switchboard.ts'

/** What the dialling side allows. */
type Reaching = Pick<AdapterContext, 'resolveHost'>

const errorCodes: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  407: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  408: 'timeout',
  480: 'timeout',
  486: 'busy',
  600: 'busy',
  488: 'no-common-codec',
  606: 'no-common-codec',
  503: 'connect-failed',
}

/** Why there is no call. */
const refusalOf = ({ code, detail }: CallReason, to: string): GatewayError =>
  new GatewayError(errorCodes[code] ?? 'refused', `${to}: ${detail}`)

/** Rejects when it is not answered. */
const answered = async (board: Switchboard, request: PlacedCall): Promise<Call> => {
  const call = await board.dial(request)
  const { reason } = await Promise.race([call.whenLive, call.done])
  if (reason !== undefined) throw refusalOf(reason, call.about.to)
  return call
}

/** Resolves when it is answered. @throws GatewayError with the code that fits the far side's answer */
export const pullCall = async (
  board: Switchboard,
  url: URL,
  publication: Publication,
  { resolveHost }: Reaching,
): Promise<Closable> => {
  const call = await answered(board, { to: url.href, publication, resolveHost })
  return closable(call.scope)
}

/** Resolves when it is answered; the subscription's end ends the call. @throws GatewayError as `pullCall` */
export const pushCall = async (board: Switchboard, url: URL, { resolveHost }: Reaching): Promise<Egress> => {
  const call = await answered(board, { to: url.href, resolveHost })
  const { media, label, scope } = call
  return {
    ...createCallEgress({
      label,
      scope,
      lines: () => media.lines,
      sink: open => media.sink(open),
      link: () => media.sentLink(),
    }),
    close: async reason => {
      await call.end({ code: 0, by: 'us', detail: reason?.detail ?? 'the bridge ended' })
    },
  }
}
