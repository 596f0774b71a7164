/** RFC 3262 from both sides. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { Session, SessionEnd } from '../../../src/adapters/sip/session.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

let clock: ManualClock
let network: SipNetwork
let peer: RawPeer

beforeEach(() => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
})

describe('we are called', () => {
  let invite: IncomingInvite
  const failures: string[] = []

  const ring = async (header: string, body = 'v=0\r\n'): Promise<void> => {
    const invites: IncomingInvite[] = []
    failures.length = 0
    await openPeer(clock, network, '10.0.0.2', { onInvite: incoming => invites.push(incoming) })
    peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.2')
    peer.request({ method: 'INVITE', branch: 'z9hG4bKi', headers: [header], body })
    await pass(clock, 10)
    invite = invites[0]!
    invite.listen({
      cancelled: reason => failures.push(`cancelled ${reason}`),
      failed: detail => failures.push(detail),
    })
  }
  const rack = (): string => {
    const { headers } = peer.responses.find(response => response.headers.has('rseq'))!
    return `${headers.get('rseq')} 1 INVITE`
  }
  const toTag = (): string => peer.responses.at(-1)!.to.params.get('tag')!
  const prack = (value: string, cseq = 2): void =>
    peer.request({ method: 'PRACK', cseq, toTag: toTag(), headers: [`RAck: ${value}`] })

  test.each([
    ['X: nothing', 183, true, false],
    ['Supported: 100rel', 180, false, false],
    ['Supported: 100rel', 183, true, true],
    ['Require: 100rel', 180, false, true],
  ])('%s: a %i with a body (%s) is reliable: %s', async (header, code, body, reliable) => {
    await ring(header)
    invite.progress(code, body ? { body: sdp('early') } : {})
    await pass(clock, 10)
    expect(peer.responses.at(-1)!.code).toBe(code)
    expect(peer.responses.at(-1)!.headers.names('require', '100rel')).toBe(reliable)
  })

  test('it is sent again until its PRACK comes; the 200 waits for it', async () => {
    await ring('Supported: 100rel')
    invite.progress(183, { body: sdp('early') })
    const session = invite.accept(sdp('answer'))
    await pass(clock, 4000, 100)
    expect(peer.codes).toEqual([100, 183, 183, 183, 183])
    prack('9999999 1 INVITE')
    await pass(clock, 10)
    expect(peer.codes.at(-1)).toBe(481)
    prack(rack(), 3)
    await pass(clock, 10)
    expect(peer.responses.slice(-2).map(({ code, method }) => `${code} ${method}`)).toEqual([
      '200 PRACK',
      '200 INVITE',
    ])
    expect(peer.responses.at(-1)!.body).toEqual(sdp('early'))
    expect(session!.ended).toBe(false)
  })

  test('the second waits for the PRACK of the first, and counts one more', async () => {
    await ring('Require: 100rel')
    invite.progress(180)
    invite.progress(183)
    await pass(clock, 10)
    expect(peer.codes).toEqual([100, 180])
    const first = Number(peer.responses[1]!.headers.get('rseq'))
    prack(rack())
    await pass(clock, 10)
    expect(peer.codes).toEqual([100, 180, 200, 183])
    expect(Number(peer.responses[3]!.headers.get('rseq'))).toBe(first + 1)
  })

  test('without a PRACK the call is refused with 504 after 32 s', async () => {
    await ring('Require: 100rel')
    invite.progress(180)
    await pass(clock, 33_000, 100)
    expect(peer.codes).toContain(504)
    expect(failures).toEqual(['a reliable provisional response was never acknowledged'])
    expect(invite.accept(sdp('late'))).toBeUndefined()
  })

  const update = (cseq: number, body = 'v=0\r\ns=changed\r\n'): void =>
    peer.request({ method: 'UPDATE', cseq, toTag: toTag(), body })
  const lastAnswer = (): string => {
    const { code, headers } = peer.responses.findLast(({ method }) => method === 'UPDATE')!
    return headers.has('retry-after') ? `${code} in ${headers.get('retry-after')} s` : String(code)
  }

  test('an offer by UPDATE before the answer: refused as is due, and the call is answered all the same', async () => {
    await ring('Require: 100rel')
    invite.progress(180)
    await pass(clock, 10)
    update(2)
    await pass(clock, 10)
    expect(lastAnswer()).toMatch(/^500 in (\d|10) s$/)
    prack(rack(), 3)
    await pass(clock, 10)
    invite.progress(183, { body: sdp('early') })
    await pass(clock, 10)
    const { headers } = peer.responses.findLast(response => response.headers.has('rseq'))!
    prack(`${headers.get('rseq')} 1 INVITE`, 4)
    await pass(clock, 10)
    update(5)
    await pass(clock, 10)
    expect(lastAnswer()).toBe('504')
    update(6, '')
    await pass(clock, 10)
    expect(lastAnswer()).toBe('200')
    expect(invite.state).toBe('ringing')
    const session = invite.accept(sdp('answer'))!
    session.listen({ ended: () => undefined })
    await pass(clock, 10)
    expect(peer.responses.at(-1)).toMatchObject({ code: 200, method: 'INVITE', body: sdp('early') })
    expect(failures).toEqual([])
    expect(session.ended).toBe(false)
  })

  test('an offer by UPDATE while ours waits for its answer: 491', async () => {
    await ring('Require: 100rel', '')
    invite.progress(183, { body: sdp('our offer') })
    await pass(clock, 10)
    update(2)
    await pass(clock, 10)
    expect(lastAnswer()).toBe('491')
    peer.request({ method: 'PRACK', cseq: 3, toTag: toTag(), headers: [`RAck: ${rack()}`], body: 'v=0\r\n' })
    await pass(clock, 10)
    update(4)
    await pass(clock, 10)
    expect(lastAnswer()).toBe('504')
    expect(invite.state).toBe('ringing')
  })

  test('a caller that gives up between our answer and its 200 ends the session', async () => {
    await ring('Require: 100rel')
    invite.progress(180)
    await pass(clock, 10)
    const ends: SessionEnd[] = []
    invite.accept(sdp('answer'))!.listen({ ended: end => ends.push(end) })
    peer.request({ method: 'CANCEL', branch: 'z9hG4bKi', headers: ['Reason: SIP;cause=200'] })
    await pass(clock, 10)
    expect(ends).toEqual([{ cause: 'remote', detail: 'SIP;cause=200' }])
    expect(peer.codes.slice(-2)).toEqual([200, 487])
  })

  test('we hang up between our answer and its 200: refused with 480', async () => {
    await ring('Require: 100rel')
    invite.progress(180)
    await pass(clock, 10)
    const session = invite.accept(sdp('answer'))!
    session.listen({ ended: () => undefined })
    session.bye()
    await pass(clock, 10)
    expect(peer.codes.at(-1)).toBe(480)
    expect(peer.methods()).toEqual([])
  })
})

test('we call: each reliable response is acknowledged once and in order', async () => {
  const caller = await openPeer(clock, network, '10.0.0.1')
  peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.1')
  const rings: number[] = []
  const sessions: Session[] = []
  caller.invite(
    { uri: uri('sip:1000@10.0.0.9'), from: address('<sip:me@10.0.0.1>'), body: sdp('offer') },
    {
      provisional: ({ response }) => rings.push(response.code),
      accepted: session => sessions.push(session),
      rejected: () => undefined,
    },
  )
  await pass(clock, 10)
  const [request] = peer.requests as [(typeof peer.requests)[0]]
  const reliable = (code: number, rseq: number): void =>
    peer.respond(request, code, 'a', ['Require: 100rel', `RSeq: ${rseq}`])
  reliable(183, 5)
  reliable(183, 5)
  reliable(180, 7)
  reliable(180, 6)
  await pass(clock, 20)
  expect(rings).toEqual([183, 180])
  const racks = peer.requests.slice(1).map(({ method, headers }) => `${method} ${headers.get('rack')}`)
  expect(racks).toEqual(['PRACK 5 1 INVITE', 'PRACK 6 1 INVITE'])
})
