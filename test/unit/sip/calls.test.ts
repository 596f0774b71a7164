import { beforeEach, describe, expect, test } from 'vitest'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { Rejection } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { Session, SessionEnd } from '../../../src/adapters/sip/session.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'

let clock: ManualClock
let network: SipNetwork
let caller: Signalling
let callee: Signalling
let incoming: IncomingInvite[]

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  incoming = []
  caller = await openPeer(clock, network, '10.0.0.1')
  callee = await openPeer(clock, network, '10.0.0.2', { onInvite: invite => incoming.push(invite) })
})

const dial = (events: { accepted?: (session: Session) => void; rejected?: (why: Rejection) => void } = {}) =>
  caller.invite(
    { uri: uri('sip:1000@10.0.0.2'), from: address('<sip:me@10.0.0.1>'), body: sdp('offer') },
    { accepted: session => events.accepted?.(session), rejected: why => events.rejected?.(why) },
  )

describe('a call', () => {
  test('rings, is answered, acknowledged and hung up', async () => {
    const sessions: Session[] = []
    const ends: SessionEnd[] = []
    let acknowledged = 0
    dial({ accepted: session => sessions.push(session) })
    await pass(clock, 20)
    expect(incoming[0]!.offer).toEqual(sdp('offer'))
    incoming[0]!.progress(180)
    const served = incoming[0]!.accept(sdp('answer'))!
    served.listen({ acknowledged: () => acknowledged++, ended: end => ends.push(end) })
    await pass(clock, 20)
    expect(sessions).toHaveLength(1)
    expect(acknowledged).toBe(1)
    sessions[0]!.listen({ ended: end => ends.push(end) })
    sessions[0]!.bye('Q.850;cause=16')
    await pass(clock, 20)
    expect(ends).toEqual([{ cause: 'local' }, { cause: 'remote', detail: 'Q.850;cause=16' }])
    expect(network.lines()).toEqual([
      'INVITE sip:1000@10.0.0.2 SIP/2.0',
      'SIP/2.0 100 Trying',
      'SIP/2.0 180 Ringing',
      'SIP/2.0 200 OK',
      'ACK sip:1000@10.0.0.2:5060 SIP/2.0',
      'BYE sip:1000@10.0.0.2:5060 SIP/2.0',
      'SIP/2.0 200 OK',
    ])
    await pass(clock, 40_000, 500)
    const nothing = { serverTransactions: 0, clientTransactions: 0, dialogs: 0 }
    expect(caller.stats().gauges).toMatchObject(nothing)
    expect(callee.stats().gauges).toMatchObject(nothing)
    expect(clock.pending).toBe(0)
  })

  test('that nobody takes is refused with the reason', async () => {
    const whys: Rejection[] = []
    dial({ rejected: why => whys.push(why) })
    await pass(clock, 20)
    incoming[0]!.reject(486, { headers: { 'Retry-After': '7' } })
    await pass(clock, 20)
    expect(whys).toMatchObject([{ code: 486, reason: 'Busy Here', retryAfterS: 7 }])
    await pass(clock, 40_000, 500)
    expect(clock.pending).toBe(0)
  })

  test('taken back while it rings ends with 487 on both sides', async () => {
    const whys: Rejection[] = []
    const call = dial({ rejected: why => whys.push(why) })
    await pass(clock, 20)
    const reasons: (string | undefined)[] = []
    incoming[0]!.listen({ cancelled: reason => reasons.push(reason) })
    call.cancel('SIP;cause=200')
    await pass(clock, 20)
    expect(reasons).toEqual(['SIP;cause=200'])
    expect(whys).toMatchObject([{ code: 487 }])
    expect(incoming[0]!.accept(sdp('late'))).toBeUndefined()
  })
})

describe('a challenged call', () => {
  test.each([
    ['right', 'secret', 'accepted'],
    ['wrong', 'guess', '403'],
  ])('with the %s password', async (_name, password, expected) => {
    const users: (string | undefined)[] = []
    await openPeer(clock, network, '10.0.0.3', {
      screen: () => ({
        action: 'challenge',
        realm: 'gate',
        secretOf: user => (user === 'alice' ? { password: 'secret' } : undefined),
      }),
      onInvite: invite => {
        users.push(invite.user)
        invite.accept(sdp('answer'))
      },
    })
    const outcomes: string[] = []
    caller.invite(
      {
        uri: uri('sip:1000@10.0.0.3'),
        from: address('<sip:me@10.0.0.1>'),
        body: sdp('offer'),
        credentials: { user: 'alice', password },
      },
      { accepted: () => outcomes.push('accepted'), rejected: ({ code }) => outcomes.push(String(code)) },
    )
    await pass(clock, 50)
    expect(outcomes).toEqual([expected])
    expect(users).toEqual(expected === 'accepted' ? ['alice'] : [])
  })
})
