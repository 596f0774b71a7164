/** A call that comes in and that the dial plan has admitted: rings, waits for what is to be heard, answers. */
import type { CallReason } from '../../call-desk.ts'
import { assertedIn } from '../asserted.ts'
import { type Calling, fillTemplate, type PlanVerdict, routeName } from '../dial-plan.ts'
import type { IncomingInvite } from '../incoming-invite.ts'
import { formatUri, hostOfIp } from '../message/uri.ts'
import type { Agreement } from '../offer-answer/types.ts'
import type { Board } from './board.ts'
import { Call } from './call.ts'
import type { CallTerms } from './call-media.ts'
import { byeReason } from './codes.ts'
import { receiveCaller } from './reception.ts'
import { offerOf } from './renegotiate.ts'
import { streamsOf, tellReplaced } from './replaced-call.ts'
import { isSdp, sdpBody, warningOf } from './session-description.ts'
import { sessionEvents } from './session-events.ts'
import { checkHearing, untilLive } from './until-live.ts'

export type Admitted = Extract<PlanVerdict, { outcome: 'admitted' }>

const directions = { both: 'sendrecv', talk: 'recvonly', listen: 'sendonly' } as const

const termsOf = ({ config }: Board, { route }: Admitted, account: string | undefined): CallTerms => {
  const through = account === undefined ? undefined : (config.accounts[account] ?? config.trunks[account])
  return {
    codecs: route.codecs ?? through?.codecs ?? config.codecs,
    video: route.video ?? config.video,
    srtp: through?.srtp ?? config.srtp,
    direction: directions[route.direction ?? 'both'],
  }
}

/** What the two ends are called in lists and logs. */
const aboutOf = (
  { request, source }: IncomingInvite,
  { route }: Admitted,
  { account, isProven = false }: Calling,
) => ({
  direction: 'inbound' as const,
  from: formatUri(request.from.uri),
  to: formatUri(request.uri),
  peer: `${source.transport} ${hostOfIp(source.ip)}:${source.port}`,
  peerIp: source.ip,
  local: source.local,
  isProven,
  account,
  route,
  routeName: routeName(route),
})

/** The answer to the caller's offer, or an offer of ours where it has made none. */
interface Prepared {
  readonly agreement: Agreement | undefined
  readonly body: ReturnType<typeof sdpBody>
}

/** undefined: the offer was refused, and the caller told. */
const prepare = (call: Call, invite: IncomingInvite): Prepared | undefined => {
  const { offer } = invite
  if (offer === undefined) {
    call.lateOffer = offerOf(call)
    return { agreement: undefined, body: sdpBody(call.lateOffer.local) }
  }
  if (!isSdp(offer)) {
    refuse(call, invite, 415, `the offer is ${offer.type}`, { Accept: 'application/sdp' })
    return undefined
  }
  const agreement = call.media.answer(offer.content)
  if (agreement.outcome === 'agreed') return { agreement, body: sdpBody(agreement.local) }
  refuse(call, invite, agreement.code, agreement.detail, { Warning: warningOf(agreement) })
  return undefined
}

const refuse = (
  call: Call,
  invite: IncomingInvite,
  code: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void => {
  call.farewell = () => invite.reject(code, { headers })
  void call.end({ code, by: 'us', detail })
}

/** Before the answer a call that ends is refused with the code of its reason. */
const rejectWith =
  (invite: IncomingInvite) =>
  ({ code }: CallReason): void =>
    invite.reject(code >= 300 ? code : 480)

const ring = async (call: Call, invite: IncomingInvite, prepared: Prepared): Promise<void> => {
  const { route } = call.about
  const { hear } = call.purpose
  invite.progress(180)
  call.ringing()
  if (hear === undefined || route?.answer === 'at-once' || route?.pin !== undefined) return
  await untilLive(call.board.context, hear, call.board.config.timeouts.hearMs, call.scope.signal)
  checkHearing(call, hear, prepared.agreement)
  if (!route?.earlyMedia || prepared.agreement === undefined || call.isOver) return
  invite.progress(183, { body: prepared.body })
  call.early(prepared.agreement)
  await call.hearing.hear(hear)
}

const answer = async (call: Call, invite: IncomingInvite, prepared: Prepared): Promise<void> => {
  if (call.isOver) return
  const session = invite.accept(prepared.body)
  if (session === undefined) return
  call.farewell = reason => session.bye(byeReason(reason))
  session.listen(sessionEvents(call))
  if (call.isOver) return
  if (prepared.agreement !== undefined) call.adopt(prepared.agreement)
  call.answered(session)
  await receiveCaller(call)
}

/** It has been greeted and has shown that it may, before. */
const asSuccessor = (admitted: Admitted): Admitted => {
  const { greeting: _greeting, pin: _pin, ...route } = admitted.route
  return { ...admitted, route }
}

/** Answers at once, and has the streams of the call that was there. */
const succeed = async (call: Call, invite: IncomingInvite, old: Call): Promise<void> => {
  call.purpose = { ...streamsOf(old), takesOver: true }
  const prepared = prepare(call, invite)
  if (prepared === undefined) return
  call.onAnswered = () => tellReplaced(old, call)
  await answer(call, invite, prepared)
  if (!call.isOver) void old.end({ code: 0, by: 'us', detail: `call ${call.id} has its place` })
}

/** `begun` gets the call before anything becomes of it. `old`: the call whose place it takes. */
export const receiveCall = (
  board: Board,
  invite: IncomingInvite,
  given: Admitted,
  calling: Calling,
  begun: (call: Call) => void,
  old?: Call,
): void => {
  const { account } = calling
  const admitted = old === undefined ? given : asSuccessor(given)
  const identity = assertedIn(board.config, invite.request, account)
  const about = { ...aboutOf(invite, admitted, calling), identity }
  const call = new Call(board, about, termsOf(board, admitted, account))
  call.callId = invite.request.callId
  call.farewell = rejectWith(invite)
  invite.listen({
    cancelled: reason => {
      call.farewell = () => undefined
      void call.end({ code: 487, by: 'them', detail: reason ?? 'the caller hung up before the answer' })
    },
    failed: detail => void call.end({ code: 504, by: 'us', detail }),
  })
  const { publish, hear, pin } = admitted.route
  const fill = (template: string): string => fillTemplate(template, calling, admitted.groups, call.id)
  call.purpose = { hear: hear && fill(hear), publish: publish && fill(publish) }
  begun(call)
  const served = old === undefined ? serve(call, invite, pin === undefined) : succeed(call, invite, old)
  served.catch((thrown: unknown) => call.fail(thrown))
}

/** Resolves when it is answered and joined, or over. */
const serve = async (call: Call, invite: IncomingInvite, publishes: boolean): Promise<void> => {
  const prepared = prepare(call, invite)
  if (prepared === undefined) return
  if (publishes) call.publish()
  await ring(call, invite, prepared)
  await answer(call, invite, prepared)
}
