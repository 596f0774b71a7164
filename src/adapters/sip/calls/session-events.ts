/** What the far side does within its call, handed to whoever does it here. */
import type { Body } from '../message/types.ts'
import type { IncomingRequest } from '../request.ts'
import type { SessionEnd, SessionEvents } from '../session.ts'
import type { Call } from './call.ts'
import { pictureFastUpdate } from './picture-fast-update.ts'
import { takeAnswer, takeOffer } from './renegotiate.ts'
import { takeNotify, takeRefer } from './transfer.ts'

/** Keys, key frames, and nothing else. */
const takeInfo = (call: Call, incoming: IncomingRequest): void => {
  const { body } = incoming.request
  if (body === undefined || call.digits.info(body.type, body.content)) incoming.reply(200)
  else if (!body.type.startsWith(pictureFastUpdate.type))
    incoming.reply(415, {
      headers: { Accept: `application/dtmf-relay, application/dtmf, ${pictureFastUpdate.type}` },
    })
  else {
    if (body.content.includes('picture_fast_update')) call.media.keyframeWanted()
    incoming.reply(200)
  }
}

const ends: Readonly<Record<SessionEnd['cause'], string>> = {
  local: 'hung up here',
  remote: 'hung up by the far side',
  'session-expired': 'the far side did not refresh the session in time (RFC 4028 10)',
  'no-ack': 'our answer was never acknowledged',
  lost: 'the far side knows the call no longer',
}

/** Nothing is left to be told. */
const sessionEnded = (call: Call, { cause, detail }: SessionEnd): void => {
  call.farewell = () => undefined
  const code = cause === 'local' || cause === 'remote' ? 0 : 408
  const text = /text="([^"]*)"/.exec(detail ?? '')?.[1] ?? detail
  const why = text === undefined || text === '' ? '' : `: ${text}`
  void call.end({ code, by: cause === 'remote' ? 'them' : 'us', detail: `${ends[cause]}${why}` })
}

/** A fault of ours ends this call, and nothing else. */
const guarded =
  <A>(call: Call, run: (what: A) => void) =>
  (what: A): void => {
    try {
      run(what)
    } catch (thrown) {
      call.fail(thrown)
    }
  }

const takeLateAnswer = (call: Call, body: Body): void => {
  const offered = call.lateOffer
  call.lateOffer = undefined
  if (offered !== undefined) takeAnswer(call, offered, body)
}

export const sessionEvents = (call: Call): SessionEvents => ({
  acknowledged: () => {
    call.isProven = true
  },
  answered: guarded(call, body => takeLateAnswer(call, body)),
  offered: guarded(call, offer => takeOffer(call, offer)),
  info: guarded(call, request => takeInfo(call, request)),
  refer: guarded(call, request => takeRefer(call, request)),
  notify: guarded(call, request => takeNotify(call, request)),
  ended: end => sessionEnded(call, end),
})
