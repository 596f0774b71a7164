/** Offers within a call, of either side: hold, resume, other ports and codecs (RFC 3261 14, RFC 3311, RFC 3264 8). */
import { GatewayError, toGatewayError } from '../../../errors.ts'
import type { Body, SipResponse } from '../message/types.ts'
import { applyAnswer } from '../offer-answer/apply-answer.ts'
import { makeOffer } from '../offer-answer/make-offer.ts'
import type { Agreement, Offered, Refusal } from '../offer-answer/types.ts'
import type { IncomingOffer } from '../session.ts'
import type { Call } from './call.ts'
import { isSdp, sdpBody, warningOf } from './session-description.ts'

/** Kinds of media that a description may be about. */
const everyKind = ['audio', 'video'] as const

/** An offer of ours on its way to the far side, as its answer needs it. */
export const offerOf = (call: Call): Offered => {
  const { media } = call
  if (media.agreement === undefined) media.prepare(everyKind)
  return makeOffer(media.local(), media.agreement)
}

/** The answer to an offer of ours. A call whose answer does not fit is over (RFC 3264 7). */
export const takeAnswer = (call: Call, offered: Offered, body: Body | undefined): boolean => {
  const answer =
    body === undefined || !isSdp(body)
      ? ({ outcome: 'refused', detail: 'the answer holds no session description' } as const)
      : applyAnswer(offered, body.content)
  if (answer.outcome === 'agreed') {
    call.adopt(answer)
    return true
  }
  void call.end({ code: 488, by: 'us', detail: answer.detail })
  return false
}

/** What cannot be done now leaves the call as it was (RFC 3261 14.2). */
const answerTo = ({ media }: Call, { content }: Body): Agreement | Refusal => {
  try {
    return media.answer(content)
  } catch (thrown) {
    const { message } = toGatewayError(thrown)
    return { outcome: 'refused', code: 488, warning: 399, detail: message }
  }
}

/** The far side wants something else, or asks us what we want. */
export const takeOffer = (call: Call, offer: IncomingOffer): void => {
  if (offer.body === undefined) {
    const offered = offerOf(call)
    call.lateOffer = offered
    offer.accept(sdpBody(offered.local))
    return
  }
  if (!isSdp(offer.body)) {
    offer.reject(415, { headers: { Accept: 'application/sdp' } })
    return
  }
  const answer = answerTo(call, offer.body)
  if (answer.outcome === 'refused') {
    call.log.info({ code: answer.code }, `${offer.method} of the far side refused: ${answer.detail}`)
    offer.reject(answer.code, { headers: { Warning: warningOf(answer) } })
    return
  }
  offer.accept(sdpBody(answer.local))
  call.adopt(answer)
}

const refused = (call: Call, { code, reason }: SipResponse): GatewayError =>
  new GatewayError('refused', `the far side of call ${call.id} answered ${code} ${reason}`)

/** Puts the far side on hold, or takes it back. @throws GatewayError 'refused', 'closed' */
export const setHold = async (call: Call, held: boolean): Promise<void> => {
  const session = call.liveSession()
  const { media } = call
  if (media.held === held) return
  media.held = held
  const offered = offerOf(call)
  const response = await session.reinvite(sdpBody(offered.local))
  if (response.code >= 200 && response.code < 300) {
    takeAnswer(call, offered, response.body)
    return
  }
  media.held = !held
  throw refused(call, response)
}
