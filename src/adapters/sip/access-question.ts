/** A call that the dial plan admits, as whoever else is asked about it is told, and what a no means to the caller. */
import { toGatewayError } from '../../errors.ts'
import type { CallAccess } from '../adapter.ts'
import { assertedIn } from './asserted.ts'
import type { Call } from './calls/call.ts'
import { type CallRefusal, sipCodeOf } from './calls/codes.ts'
import type { Admitted } from './calls/receive-call.ts'
import { streamsOf } from './calls/replaced-call.ts'
import type { SipConfig } from './config.ts'
import { type Calling, plannedStream, routeName } from './dial-plan.ts'
import type { IncomingInvite } from './incoming-invite.ts'
import { formatUri } from './message/uri.ts'

/** `old`: the call whose place it takes. */
export const accessOf = (
  config: SipConfig,
  { request }: IncomingInvite,
  { route, groups }: Admitted,
  calling: Calling,
  old: Call | undefined,
): CallAccess => ({
  action: 'call',
  protocol: 'sip',
  remote: calling.remote,
  from: formatUri(request.from.uri),
  to: formatUri(request.uri),
  called: calling.called,
  route: routeName(route),
  account: calling.account,
  user: calling.user,
  ...assertedIn(config, request, calling.account),
  ...(old === undefined
    ? {
        publish: plannedStream(route.publish, calling, groups),
        hear: plannedStream(route.hear, calling, groups),
      }
    : streamsOf(old)),
})

/** A no is 403 or 404; 503 where nobody gave one, and the caller may try elsewhere or later. */
export const refusalOf = (thrown: unknown): CallRefusal => {
  const error = toGatewayError(thrown)
  const { message: detail, retryAfterS } = error
  return { code: retryAfterS === undefined ? sipCodeOf(error) : 503, detail, retryAfterS }
}
