/** A phone of few words on our signalling, over real sockets: what it does depends on who is called. */

import { createSignalling } from '../../src/adapters/sip/create-signalling.ts'
import type { IncomingInvite } from '../../src/adapters/sip/incoming-invite.ts'
import type { Body } from '../../src/adapters/sip/message/types.ts'
import type { Session, SessionEnd } from '../../src/adapters/sip/session.ts'
import type { Signalling, SignallingOptions } from '../../src/adapters/sip/signalling.ts'
import { systemClock } from '../../src/core/clock.ts'
import { quietLog } from './sip-peer.ts'

const mirrored: Readonly<Record<string, string>> = {
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
}

/** A description with one audio line; the answer to `offer` when there is one. */
export const audio = (offer?: Body, direction = 'sendrecv'): Body => {
  const offered = /a=(sendonly|recvonly|inactive)/.exec(offer?.content ?? '')?.[1]
  const way = offered === undefined ? direction : mirrored[offered]
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 40000 RTP/AVP 0',
  ]
  return {
    type: 'application/sdp',
    content: `${[...lines, 'a=rtpmap:0 PCMU/8000', `a=${way}`].join('\r\n')}\r\n`,
  }
}

/** Answers re-INVITEs; everything else as the signalling does by itself, but INFO. */
export const listenAsPhone = (session: Session, ended: (end: SessionEnd) => void = () => undefined): void =>
  session.listen({
    offered: offer => offer.accept(audio(offer.body)),
    info: request => request.reply(200),
    ended,
  })

/** Called 'ring' it only rings, 'early' it rings with sound, 'brief' it hangs up once acknowledged. */
const answer = (invite: IncomingInvite): void => {
  const { user } = invite.request.uri
  if (user === 'early') invite.progress(183, { body: audio(invite.offer) })
  else invite.progress(180)
  if (user === 'ring') return
  const session = invite.accept(audio(invite.offer))
  if (session === undefined) return
  if (user !== 'brief') listenAsPhone(session)
  else session.listen({ acknowledged: () => session.bye('Q.850;cause=16'), ended: () => undefined })
}

export const openUserAgent = (options: Partial<SignallingOptions> = {}): Promise<Signalling> =>
  createSignalling({
    addresses: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    clock: systemClock,
    log: quietLog,
    userAgent: 'crosspoint test',
    screen: ({ uri }) =>
      uri.user === 'signed'
        ? { action: 'challenge', realm: 'lab', secretOf: () => ({ password: 'secret' }) }
        : { action: 'admit' },
    onInvite: answer,
    ...options,
  })
