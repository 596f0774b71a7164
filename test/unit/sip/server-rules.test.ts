/** What a request must be to be let in, and what is answered when it is not. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { Session, SessionEnd } from '../../../src/adapters/sip/session.ts'
import type { Signalling, SignallingOptions } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { openPeer, pass, sdp } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

let clock: ManualClock
let network: SipNetwork
let peer: RawPeer
let gate: Signalling
let invites: IncomingInvite[]

const open = async (options: Partial<SignallingOptions> = {}) => {
  gate = await openPeer(clock, network, '10.0.0.2', { onInvite: invite => invites.push(invite), ...options })
}

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  invites = []
  peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.2')
})

describe('without a call', () => {
  test.each([
    ['BYE', [], 481],
    ['CANCEL', [], 481],
    ['UPDATE', [], 481],
    ['PRACK', [], 481],
    ['NOTIFY', [], 481],
    ['INFO', [], 481],
    ['MESSAGE', [], 405],
    ['TELEPORT', [], 405],
    ['INVITE', ['Require: nonsense'], 420],
    ['INVITE', ['Session-Expires: 60', 'Supported: timer'], 422],
    ['INVITE', ['Content-Encoding: gzip'], 415],
    ['OPTIONS', [], 200],
  ])('%s %j is answered %i, and nothing stays behind', async (method, headers, code) => {
    await open()
    peer.request({ method, headers })
    await pass(clock, 20)
    expect(peer.codes).toEqual([code])
    expect(gate.stats().gauges).toMatchObject({ serverTransactions: 0, dialogs: 0 })
    expect(invites).toEqual([])
  })

  test('OPTIONS says what is spoken', async () => {
    await open({ supported: ['replaces'], allow: ['MESSAGE'] })
    peer.request({ method: 'OPTIONS' })
    await pass(clock, 20)
    const [{ headers }] = peer.responses as [(typeof peer.responses)[0]]
    expect(headers.list('allow')).toEqual(expect.arrayContaining(['INVITE', 'UPDATE', 'PRACK', 'MESSAGE']))
    expect(headers.list('supported')).toEqual(['100rel', 'timer', 'replaces'])
    expect(headers.get('accept')).toContain('application/sdp')
  })

  test('a body that is no session description is answered with what is read', async () => {
    await open()
    peer.raw(
      [
        'INVITE sip:a@10.0.0.2 SIP/2.0',
        'v: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1',
        'f: <sip:a@b>;tag=1',
        't: <sip:a@10.0.0.2>',
        'i: 1',
        'CSeq: 1 INVITE',
        'm: <sip:a@10.0.0.9>',
        'c: text/plain',
        'l: 2',
        '',
        'hi',
      ].join('\r\n'),
    )
    await pass(clock, 20)
    expect(peer.codes).toEqual([415])
    expect(peer.responses[0]!.headers.get('accept')).toContain('application/sdp')
  })

  test('what cannot be read is answered with the reason when there is enough to answer', async () => {
    await open()
    peer.request({ method: 'INVITE', uri: '<sip:1000@10.0.0.2>' })
    peer.request({ method: 'INVITE', uri: 'http://10.0.0.2/' })
    peer.raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    peer.raw('\r\n\r\n')
    peer.raw('nonsense')
    await pass(clock, 20)
    expect(peer.codes).toEqual([400, 416])
    expect(peer.responses[0]!.reason).toBe('the request-URI cannot be read')
    expect(gate.stats()).toMatchObject({ malformed: 4, refused: { malformed: 4 } })
  })

  test('the same INVITE by another way is answered 482, by the same way with the last response', async () => {
    await open()
    peer.request({ method: 'INVITE', branch: 'z9hG4bKa' })
    peer.request({ method: 'INVITE', branch: 'z9hG4bKa' })
    peer.request({ method: 'INVITE', branch: 'z9hG4bKb' })
    await pass(clock, 20)
    expect(invites).toHaveLength(1)
    expect(peer.codes).toEqual([100, 100, 482])
  })

  test('each verdict of the screen', async () => {
    const verdicts = [
      { action: 'reject', code: 403, reason: 'No Way', headers: { Warning: '399 x "y"' } },
      { action: 'drop' },
      { action: 'challenge', realm: 'r', secretOf: () => undefined },
    ] as const
    let next = 0
    await open({ screen: () => verdicts[next++]! })
    for (const callId of ['1', '2', '3']) peer.request({ method: 'INVITE', callId })
    await pass(clock, 20)
    expect(peer.codes).toEqual([403, 401])
    expect(peer.responses[0]!.reason).toBe('No Way')
    expect(peer.responses[0]!.headers.get('warning')).toBe('399 x "y"')
    expect(gate.stats().gauges).toMatchObject({ serverTransactions: 0, dialogs: 0 })
    expect(gate.stats().refused).toMatchObject({ screen: 2, unsigned: 1 })
  })

  test('whoever asks is told of each refusal with its cause, but not of its own', async () => {
    const refused: string[] = []
    await open({
      screen: ({ uri }) =>
        uri.user === 'signed'
          ? { action: 'challenge', realm: 'r', secretOf: () => undefined }
          : { action: 'reject', code: 404 },
      onRefused: (cause, { ip }, detail) => refused.push(`${cause} ${ip} ${detail}`),
    })
    const wrong =
      'Authorization: Digest realm="r", username="root", uri="sip:signed@10.0.0.2", response="0", nonce='
    peer.request({ method: 'INVITE', callId: '1', uri: 'sip:signed@10.0.0.2' })
    await pass(clock, 10)
    const nonce = /nonce="[^"]*"/.exec(peer.responses[0]!.headers.get('www-authenticate')!)![0].slice(6)
    peer.request({ method: 'INVITE', callId: '2', uri: 'sip:signed@10.0.0.2', headers: [wrong + nonce] })
    peer.request({ method: 'INVITE', callId: '3' })
    peer.request({ method: 'BYE', callId: '4' })
    await pass(clock, 10)
    expect(peer.codes).toEqual([401, 403, 404, 481])
    expect(refused).toEqual([
      "wrong-password 10.0.0.9 INVITE sip:signed@10.0.0.2 as 'root'",
      'unknown-dialog 10.0.0.9 BYE outside a call',
    ])
  })

  test('every copy of a refused request gets the same To tag', async () => {
    await open({ screen: () => ({ action: 'reject', code: 404 }) })
    for (let i = 0; i < 3; i++) peer.request({ method: 'INVITE', branch: 'z9hG4bKa' })
    await pass(clock, 20)
    expect(new Set(peer.responses.map(({ to }) => to.params.get('tag'))).size).toBe(1)
  })

  test('a flood of one address is answered 503, then not at all, and others are served', async () => {
    await open({ limits: { requestsPerSecond: 10, burst: 20 } })
    for (let i = 0; i < 200; i++) peer.request({ method: 'OPTIONS', callId: String(i) })
    const other = await RawPeer.open(network, '10.0.0.8', '10.0.0.2')
    other.request({ method: 'OPTIONS' })
    await pass(clock, 20)
    expect(peer.codes.filter(code => code === 200)).toHaveLength(20)
    expect(peer.codes.filter(code => code === 503)).toHaveLength(20)
    expect(other.codes).toEqual([200])
    expect(gate.stats().refused.rate).toBe(180)
  })

  test('when all transactions are taken the next request is answered 503 without one', async () => {
    await open({ limits: { serverTransactions: 3 } })
    for (let i = 0; i < 5; i++) peer.request({ method: 'INVITE', callId: String(i) })
    await pass(clock, 20)
    expect(peer.codes).toEqual([100, 100, 100, 503, 503])
    expect(peer.responses[3]!.headers.get('retry-after')).toBe('5')
    expect(gate.stats()).toMatchObject({ refused: { full: 2 }, gauges: { serverTransactions: 3 } })
  })
})

describe('in a call', () => {
  const ends: SessionEnd[] = []
  let session: Session
  let toTag: string

  const answer = async (): Promise<void> => {
    await open()
    ends.length = 0
    peer.request({ method: 'INVITE', body: 'v=0\r\n' })
    await pass(clock, 20)
    session = invites[0]!.accept(sdp('answer'))!
    session.listen({ ended: end => ends.push(end) })
    await pass(clock, 5)
    toTag = session.localTag
  }

  test('a BYE with wrong tags is answered 481 and changes nothing', async () => {
    await answer()
    peer.request({ method: 'ACK', toTag })
    peer.request({ method: 'BYE', cseq: 2, toTag: 'guess' })
    peer.request({ method: 'BYE', cseq: 2, toTag, fromTag: 'guess' })
    await pass(clock, 20)
    expect(peer.codes.slice(2)).toEqual([481, 481])
    expect(ends).toEqual([])
    peer.request({ method: 'BYE', cseq: 2, toTag })
    await pass(clock, 20)
    expect(ends).toEqual([{ cause: 'remote' }])
  })

  test('an older request is answered 500', async () => {
    await answer()
    peer.request({ method: 'ACK', toTag })
    peer.request({ method: 'INFO', cseq: 7, toTag })
    peer.request({ method: 'INFO', cseq: 6, toTag })
    await pass(clock, 20)
    expect(peer.codes.slice(2)).toEqual([200, 500])
  })

  test('the 2xx is sent again until its ACK comes; without one the call is hung up after 32 s', async () => {
    await answer()
    await pass(clock, 31_000, 100)
    expect(ends).toEqual([])
    expect(peer.codes.filter(code => code === 200).length).toBeGreaterThan(8)
    await pass(clock, 2000, 100)
    expect(ends).toEqual([{ cause: 'no-ack', detail: 'the ACK never came' }])
    expect(peer.methods()).toContain('BYE')
  })

  test('we hang up before the ACK is there: BYE waits for it', async () => {
    await answer()
    session.bye()
    await pass(clock, 100)
    expect(ends).toEqual([{ cause: 'local' }])
    expect(peer.methods()).toEqual([])
    peer.request({ method: 'ACK', toTag })
    await pass(clock, 20)
    expect(peer.methods()).toEqual(['BYE'])
  })

  test.each([
    ['REFER', ['Refer-To: <sip:premium@10.9.9.9>'], 603],
    ['NOTIFY', ['Event: refer', 'Subscription-State: active'], 481],
    ['MESSAGE', [], 405],
    ['INFO', [], 200],
    ['PRACK', ['RAck: 1 1 INVITE'], 481],
    ['OPTIONS', [], 200],
    ['UPDATE', [], 200],
    ['UPDATE', ['Require: nonsense'], 420],
    ['UPDATE', ['Session-Expires: 30', 'Supported: timer'], 422],
    ['INVITE', ['Require: nonsense'], 420],
    ['TELEPORT', [], 405],
  ])('%s that nobody takes is answered %j %i', async (method, headers, code) => {
    await answer()
    peer.request({ method: 'ACK', toTag })
    peer.request({ method, cseq: 2, toTag, headers })
    await pass(clock, 20)
    expect(peer.codes.slice(2)).toEqual([code])
    expect(ends).toEqual([])
  })
})
