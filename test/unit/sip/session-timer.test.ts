import { beforeEach, describe, expect, test } from 'vitest'
import {
  askForTimer,
  grantedTimer,
  grantHeaders,
  grantTimer,
  isTooShort,
} from '../../../src/adapters/sip/dialog/session-timer.ts'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import { HeaderList } from '../../../src/adapters/sip/message/header-list.ts'
import type { Session, SessionEnd } from '../../../src/adapters/sip/session.ts'
import type { Signalling, SignallingOptions } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

const headers = (lines: Record<string, string>): HeaderList => {
  const list = new HeaderList()
  for (const [name, value] of Object.entries(lines)) list.add(name, value)
  return list
}
const options = { expiresS: 1800, minimumS: 90 }

describe('who refreshes, and how often (RFC 4028)', () => {
  test.each([
    [{}, { seconds: 1800, refresher: 'uas' }],
    [{ Supported: 'timer' }, { seconds: 1800, refresher: 'uas' }],
    [
      { Supported: 'timer', 'Session-Expires': '600' },
      { seconds: 600, refresher: 'uas' },
    ],
    [
      { Supported: 'timer', x: '600;refresher=uac' },
      { seconds: 600, refresher: 'uac' },
    ],
    [
      { Supported: 'timer', x: '600;refresher=uas' },
      { seconds: 600, refresher: 'uas' },
    ],
    [{ 'Session-Expires': '600;refresher=uac' }, { seconds: 600, refresher: 'uas' }],
    [
      { Supported: 'timer', 'Session-Expires': '86400' },
      { seconds: 1800, refresher: 'uas' },
    ],
    [
      { Supported: 'timer', 'Session-Expires': '7200', 'Min-SE': '3600' },
      { seconds: 3600, refresher: 'uas' },
    ],
    [{ 'Session-Expires': '30' }, { seconds: 90, refresher: 'uas' }],
  ])('%j is granted %j', (lines, granted) => {
    expect(grantTimer(headers(lines), options)).toEqual(granted)
  })

  test('without a timer of our own only the wish of the peer counts', () => {
    expect(grantTimer(headers({}), { expiresS: 0, minimumS: 90 })).toBeUndefined()
    expect(grantTimer(headers({ x: '3000', k: 'timer' }), { expiresS: 0, minimumS: 90 })).toEqual({
      seconds: 3000,
      refresher: 'uas',
    })
    expect(askForTimer({ expiresS: 0, minimumS: 90 })).toEqual({})
  })

  test('a 2xx names the refresher, and requires the extension of a caller that is it', () => {
    expect(grantHeaders({ seconds: 90, refresher: 'uac' })).toEqual({
      'Session-Expires': '90;refresher=uac',
      Require: 'timer',
    })
    expect(grantHeaders({ seconds: 90, refresher: 'uas' })).toEqual({ 'Session-Expires': '90;refresher=uas' })
    expect(grantHeaders(undefined)).toEqual({})
  })

  test('422 only for those who know what it means', () => {
    expect(isTooShort(headers({ x: '60', k: 'timer' }), options)).toBe(true)
    expect(isTooShort(headers({ x: '60' }), options)).toBe(false)
    expect(isTooShort(headers({ x: '90', k: 'timer' }), options)).toBe(false)
  })

  test('what a 2xx grants us', () => {
    expect(grantedTimer(headers({ x: '120;refresher=uas' }))).toEqual({ seconds: 120, refresher: 'uas' })
    expect(grantedTimer(headers({ x: '120' }))).toEqual({ seconds: 120, refresher: 'uac' })
    expect(grantedTimer(headers({}))).toBeUndefined()
    expect(grantedTimer(headers({ x: 'soon' }))).toBeUndefined()
  })
})

let clock: ManualClock
let network: SipNetwork
let caller: Signalling
let incoming: IncomingInvite[]
let ends: { here: SessionEnd[]; there: SessionEnd[] }

beforeEach(() => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  incoming = []
  ends = { here: [], there: [] }
})

const timers = (expiresS: number, minimumS = 90): Partial<SignallingOptions> => ({
  sessionTimer: { expiresS, minimumS },
})

const connect = async (
  ours: Partial<SignallingOptions>,
  theirs: Partial<SignallingOptions>,
): Promise<void> => {
  caller = await openPeer(clock, network, '10.0.0.1', ours)
  await openPeer(clock, network, '10.0.0.2', { ...theirs, onInvite: invite => incoming.push(invite) })
  const sessions: Session[] = []
  caller.invite(
    { uri: uri('sip:1000@10.0.0.2'), from: address('<sip:me@10.0.0.1>'), body: sdp('offer') },
    {
      accepted: session => sessions.push(session),
      rejected: why => ends.here.push({ cause: 'lost', detail: why.reason }),
    },
  )
  await pass(clock, 10)
  const there = incoming.at(-1)!.accept(sdp('answer'))!
  there.listen({ offered: offer => offer.accept(sdp('again')), ended: end => ends.there.push(end) })
  await pass(clock, 10)
  sessions[0]!.listen({ offered: offer => offer.accept(sdp('again')), ended: end => ends.here.push(end) })
}

const seconds = (start: string): string[] =>
  network.sent.filter(({ text }) => text.startsWith(start)).map(({ from }) => from)

describe('a session', () => {
  test('is refreshed by UPDATE at half its time, for as long as it lasts', async () => {
    await connect(timers(200), timers(300))
    await pass(clock, 550_000, 1000)
    expect(seconds('UPDATE')).toEqual(Array(5).fill('10.0.0.2:5060'))
    expect(ends).toEqual({ here: [], there: [] })
  })

  test('a shorter wish than the other side takes is raised after 422', async () => {
    await connect(timers(100, 90), timers(1800, 400))
    expect(network.lines().filter(line => line.startsWith('INVITE'))).toHaveLength(2)
    expect(network.lines().filter(line => line.startsWith('SIP/2.0 422'))).toHaveLength(1)
    await pass(clock, 250_000, 1000)
    expect(seconds('UPDATE')).toHaveLength(1)
    expect(ends).toEqual({ here: [], there: [] })
  })

  test('that nobody refreshes any more is hung up before its time is over', async () => {
    await connect(timers(200), timers(200))
    network.drop = ({ from, text }) => from === '10.0.0.2:5060' && !text.startsWith('SIP')
    await pass(clock, 160_000, 1000)
    expect(ends.here).toEqual([])
    await pass(clock, 10_000, 1000)
    expect(ends.here).toEqual([{ cause: 'session-expired' }])
  })

  test('is refreshed by re-INVITE with the same description when the peer has no UPDATE', async () => {
    caller = await openPeer(clock, network, '10.0.0.1', {
      ...timers(180),
      onInvite: invite => incoming.push(invite),
    })
    const peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.1')
    peer.request({ method: 'INVITE', headers: ['Allow: INVITE, ACK, BYE'], body: 'v=0\r\n' })
    await pass(clock, 10)
    const session = incoming[0]!.accept(sdp('answer'))!
    const answers: string[] = []
    session.listen({ answered: body => answers.push(body.content), ended: end => ends.here.push(end) })
    await pass(clock, 10)
    peer.request({ method: 'ACK', toTag: session.localTag })
    await pass(clock, 91_000, 1000)
    const again = peer.requests.find(({ method }) => method === 'INVITE')!
    expect(again.body).toEqual(sdp('answer'))
    expect(again.headers.get('session-expires')).toBe('180;refresher=uac')
    peer.respond(again, 200, '', ['Session-Expires: 180;refresher=uac'], 'v=1\r\n')
    await pass(clock, 80_000, 1000)
    expect(answers).toEqual(['v=1\r\n'])
    expect(ends.here).toEqual([])
  })
})
