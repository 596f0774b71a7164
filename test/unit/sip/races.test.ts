/** What crosses on the wire: glare, forks, CANCEL against 2xx, lost ACKs, refreshes. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { Body } from '../../../src/adapters/sip/message/types.ts'
import type { OutgoingInvite, Provisional, Rejection } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { IncomingOffer, Session, SessionEnd } from '../../../src/adapters/sip/session.ts'
import type { Signalling, SignallingOptions } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

let clock: ManualClock
let network: SipNetwork
let caller: Signalling
let incoming: IncomingInvite[]

const openBoth = async (options: Partial<SignallingOptions> = {}, random = () => 0.5) => {
  caller = await openPeer(clock, network, '10.0.0.1', options, { openUdpPort: network.open, random })
  await openPeer(clock, network, '10.0.0.2', {
    ...options,
    onInvite: invite => incoming.push(invite),
  })
}

beforeEach(() => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  incoming = []
})

interface Dialled {
  readonly invite: OutgoingInvite
  readonly sessions: Session[]
  readonly rejections: Rejection[]
  readonly provisionals: Provisional[]
  readonly bodies: (Body | undefined)[]
}

const dial = (body: Body | undefined = sdp('offer'), more: { sessionExpiresS?: number } = {}): Dialled => {
  const sessions: Session[] = []
  const rejections: Rejection[] = []
  const provisionals: Provisional[] = []
  const bodies: (Body | undefined)[] = []
  const invite = caller.invite(
    {
      uri: uri('sip:1000@10.0.0.2'),
      from: address('<sip:me@10.0.0.1>'),
      ...(body === undefined ? undefined : { body }),
      ...more,
    },
    {
      provisional: provisional => provisionals.push(provisional),
      accepted: (session, answer) => {
        sessions.push(session)
        bodies.push(answer.body)
      },
      rejected: why => rejections.push(why),
    },
  )
  return { invite, sessions, rejections, provisionals, bodies }
}

interface Heard {
  readonly session: Session
  readonly offers: IncomingOffer[]
  readonly ends: SessionEnd[]
  readonly answers: Body[]
}

const hear = (
  session: Session,
  take: (offer: IncomingOffer) => void = offer => offer.accept(sdp('taken')),
): Heard => {
  const heard: Heard = { session, offers: [], ends: [], answers: [] }
  session.listen({
    offered: offer => {
      heard.offers.push(offer)
      take(offer)
    },
    answered: body => heard.answers.push(body),
    ended: end => heard.ends.push(end),
  })
  return heard
}

/** A call that is up on both sides. */
const connect = async (take?: (offer: IncomingOffer) => void) => {
  const { sessions } = dial()
  await pass(clock, 10)
  const there = hear(incoming[0]!.accept(sdp('answer'))!, take)
  await pass(clock, 10)
  return { here: hear(sessions[0]!, take), there }
}

const count = (start: string): number => network.lines().filter(line => line.startsWith(start)).length

describe('offers in a call', () => {
  test('hold and resume from either side, one after the other', async () => {
    await openBoth()
    const { here, there } = await connect()
    const first = here.session.reinvite(sdp('hold'))
    const second = here.session.reinvite(sdp('resume'))
    const third = there.session.reinvite(sdp('theirs'))
    await pass(clock, 6000, 50)
    expect([(await first).body, (await second).body, (await third).body]).toEqual(Array(3).fill(sdp('taken')))
    expect(there.offers.map(({ body }) => body)).toEqual([sdp('hold'), sdp('resume')])
    expect(here.offers.map(({ body }) => body)).toEqual([sdp('theirs')])
  })

  test('both at once: 491 for both, then both get through after their waits', async () => {
    await openBoth()
    const { here, there } = await connect()
    const mine = here.session.reinvite(sdp('mine'))
    const theirs = there.session.reinvite(sdp('theirs'))
    await pass(clock, 20)
    expect(count('SIP/2.0 491')).toBe(2)
    await pass(clock, 6000, 50)
    expect((await mine).code).toBe(200)
    expect((await theirs).code).toBe(200)
    expect(here.ends).toEqual([])
  })

  test('an UPDATE with an offer, and one that does not fit', async () => {
    await openBoth()
    const { here, there } = await connect(offer => {
      if (offer.body?.content.includes('odd')) offer.reject(488)
      else offer.accept(sdp('taken'))
    })
    const fits = here.session.update(sdp('new'))
    await pass(clock, 20)
    expect(await fits).toMatchObject({ code: 200, body: sdp('taken') })
    const odd = there.session.update(sdp('odd'))
    await pass(clock, 20)
    expect((await odd).code).toBe(488)
    expect([here.ends, there.ends]).toEqual([[], []])
  })

  test('a second re-INVITE while the first is undecided is answered 500 with a wait', async () => {
    await openBoth()
    const peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.2')
    peer.request({ method: 'INVITE', body: 'v=0\r\n' })
    await pass(clock, 10)
    const session = incoming[0]!.accept(sdp('answer'))!
    const { offers } = hear(session, () => undefined)
    peer.request({ method: 'ACK', toTag: session.localTag })
    await pass(clock, 10)
    for (const cseq of [2, 3])
      peer.request({ method: 'INVITE', cseq, toTag: session.localTag, body: 'v=0\r\n' })
    await pass(clock, 10)
    expect(offers).toHaveLength(1)
    const refused = peer.responses.find(({ code }) => code === 500)!
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(10)
    offers[0]!.accept(sdp('done'))
    await pass(clock, 10)
    expect(peer.responses.at(-1)).toMatchObject({ code: 200, cseq: 2 })
  })

  test('a re-INVITE without an offer: ours goes in the 200, the answer comes with the ACK', async () => {
    await openBoth()
    const { here, there } = await connect()
    const done = here.session.reinvite(undefined, {}, offer => sdp(`answer to ${offer.content.length}`))
    await pass(clock, 20)
    expect((await done).body).toEqual(sdp('taken'))
    expect(there.offers[0]!.body).toBeUndefined()
    expect(there.answers).toEqual([sdp(`answer to ${sdp('taken').content.length}`)])
  })

  test('a re-INVITE that is never decided is taken back after a minute', async () => {
    await openBoth()
    const { here, there } = await connect(() => undefined)
    const held = here.session.reinvite(sdp('hold'))
    await pass(clock, 61_000, 500)
    expect((await held).code).toBe(487)
    expect(count('CANCEL')).toBe(1)
    expect([here.ends, there.ends]).toEqual([[], []])
  })

  test('481 to a re-INVITE ends the call', async () => {
    await openBoth()
    const { here, there } = await connect()
    there.session.bye()
    network.drop = ({ text }) => text.startsWith('BYE')
    await pass(clock, 10)
    void here.session.reinvite(sdp('hold'))
    await pass(clock, 20)
    expect(here.ends).toEqual([{ cause: 'lost', detail: '481 Call/Transaction Does Not Exist' }])
  })
})

describe('late offer', () => {
  const callWithout = async () => {
    await openBoth()
    const heard: Body[] = []
    const answers: ((body: Body) => void)[] = []
    const sessions: Session[] = []
    caller.invite(
      { uri: uri('sip:1000@10.0.0.2'), from: address('<sip:me@10.0.0.1>') },
      {
        provisional: ({ body, answer }) => {
          if (body !== undefined) heard.push(body)
          if (answer !== undefined) answers.push(answer)
        },
        accepted: (session, { body }) => {
          if (body !== undefined) heard.push(body)
          sessions.push(session)
        },
        rejected: () => undefined,
      },
    )
    await pass(clock, 10)
    expect(incoming[0]!.offer).toBeUndefined()
    return { heard, answers, sessions }
  }

  test('the offer comes with the 200, our answer goes with the ACK', async () => {
    const { heard, sessions } = await callWithout()
    const there = hear(incoming[0]!.accept(sdp('their offer'))!)
    await pass(clock, 10)
    expect(heard).toEqual([sdp('their offer')])
    expect(count('ACK')).toBe(0)
    sessions[0]!.acknowledge(sdp('our answer'))
    await pass(clock, 10)
    expect(there.answers).toEqual([sdp('our answer')])
  })

  test('the offer comes with a reliable 183, our answer goes with the PRACK', async () => {
    const { heard, answers, sessions } = await callWithout()
    const answered: Body[] = []
    incoming[0]!.listen({ cancelled: () => undefined, answered: body => answered.push(body) })
    incoming[0]!.progress(183, { body: sdp('their offer') })
    await pass(clock, 10)
    expect(heard).toEqual([sdp('their offer')])
    incoming[0]!.accept(sdp('unused'))
    await pass(clock, 10)
    expect(sessions).toEqual([])
    answers[0]!(sdp('our answer'))
    await pass(clock, 10)
    expect(answered).toEqual([sdp('our answer')])
    expect(sessions).toHaveLength(1)
    expect(count('ACK')).toBe(1)
    expect(heard).toHaveLength(1)
  })
})

describe('lost ACK', () => {
  test('a 2xx that comes again is acknowledged again', async () => {
    await openBoth()
    let acks = 0
    network.drop = ({ text }) => text.startsWith('ACK') && acks++ < 3
    const { here, there } = await connect()
    await pass(clock, 8000, 50)
    expect(count('ACK')).toBe(4)
    expect(count('SIP/2.0 200')).toBe(4)
    expect([here.ends, there.ends]).toEqual([[], []])
  })

  test('a re-INVITE proves that the 2xx arrived', async () => {
    await openBoth()
    network.drop = ({ text }) => text.startsWith('ACK')
    const { here, there } = await connect()
    const held = here.session.reinvite(sdp('hold'))
    await pass(clock, 100)
    expect((await held).code).toBe(200)
    expect(there.offers).toHaveLength(1)
  })
})

describe('forks', () => {
  test('the first 2xx wins, the second is acknowledged and hung up', async () => {
    await openBoth()
    const peer = await RawPeer.open(network, '10.0.0.2', '10.0.0.1')
    const { sessions, provisionals } = dial()
    await pass(clock, 10)
    const [invite] = peer.requests as [(typeof peer.requests)[0]]
    for (const tag of ['a', 'b', 'c']) peer.respond(invite, 180, tag)
    peer.respond(invite, 200, 'b', [], 'v=0\r\n')
    peer.respond(invite, 200, 'c', [], 'v=0\r\n')
    await pass(clock, 20)
    expect(provisionals.map(({ fork }) => fork)).toEqual(['a', 'b', 'c'])
    expect(sessions.map(({ remoteTag }) => remoteTag)).toEqual(['b'])
    const ends = peer.requests.slice(1).map(({ method, to }) => `${method} ${to.params.get('tag')}`)
    expect(ends.sort()).toEqual(['ACK b', 'ACK c', 'BYE c'])
  })

  test('CANCEL that crosses a 2xx: acknowledged, hung up, told as 487', async () => {
    await openBoth()
    const peer = await RawPeer.open(network, '10.0.0.2', '10.0.0.1')
    const { invite, sessions, rejections } = dial()
    await pass(clock, 10)
    const [request] = peer.requests as [(typeof peer.requests)[0]]
    peer.respond(request, 180, 'a')
    await pass(clock, 10)
    peer.respond(request, 200, 'a', [], 'v=0\r\n')
    invite.cancel()
    await pass(clock, 20)
    expect(sessions).toEqual([])
    expect(rejections).toMatchObject([{ code: 487 }])
    expect(peer.methods()).toEqual(['INVITE', 'CANCEL', 'ACK', 'BYE'])
  })

  test('CANCEL waits for the first provisional response, and for the end at most 32 s', async () => {
    await openBoth()
    const peer = await RawPeer.open(network, '10.0.0.2', '10.0.0.1')
    const { invite, rejections } = dial()
    await pass(clock, 100)
    invite.cancel()
    await pass(clock, 100)
    expect(peer.methods()).not.toContain('CANCEL')
    peer.respond(peer.requests[0]!, 100, '')
    await pass(clock, 100)
    expect(peer.methods()).toContain('CANCEL')
    await pass(clock, 33_000, 100)
    expect(rejections).toMatchObject([{ code: 487, detail: 'cancelled, and no final answer came' }])
  })

  test('nobody answers: 408 after 32 s', async () => {
    await openBoth()
    network.drop = () => true
    const { rejections } = dial()
    await pass(clock, 33_000, 100)
    expect(rejections).toMatchObject([{ code: 408, detail: 'no answer from udp 10.0.0.2:5060 within 32 s' }])
  })
})
