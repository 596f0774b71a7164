/** Attended transfer, both ways: a call that takes the place of another (RFC 3891), and one that we are asked to make so. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallAccess } from '../../../src/adapters/adapter.ts'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { IncomingRequest } from '../../../src/adapters/sip/request.ts'
import type { Session } from '../../../src/adapters/sip/session.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { GatewayError } from '../../../src/errors.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, uri } from '../../helpers/sip-peer.ts'

const [OURS, ALICE, BOB] = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
let clock: ManualClock
let network: SipNetwork
let gateway: TestBoard
let alice: Signalling
let bob: Signalling
/** How bob answers who calls him. */
let pickUp: (invite: IncomingInvite) => void

const described = (ip: string, type = 'application/sdp') => ({ type, content: phoneSdp(ip) })

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  gateway = await openBoard(clock, network, {
    routes: [
      {
        called: 'desk',
        from: 'any',
        publish: 'a',
        hear: 'live',
        answer: 'at-once',
        maxCalls: 1,
        transfer: { to: ['@b.example'] },
      },
      { called: 'firm', from: 'any', publish: 'b' },
      { called: 'pin', from: 'any', pin: '4711', transfer: { to: ['@b.example'] } },
    ],
    outbound: { domains: [BOB] },
  })
  alice = await openPeer(clock, network, ALICE!)
  pickUp = invite => invite.reject(481)
  bob = await openPeer(clock, network, BOB!, {
    supported: ['replaces'],
    onInvite: invite => pickUp(invite),
  })
})
afterEach(async () => {
  await Promise.all([gateway.close(), alice.close(0), bob.close(0), pass(clock, 2000, 50)])
})

interface Made {
  code: number
  session: Session | undefined
  ended: string | undefined
}
const call = async (
  from: Signalling,
  called: string,
  headers: Record<string, string> = {},
  { as = '<sip:bob@b.example>', body = described(BOB!) } = {},
): Promise<Made> => {
  const made: Made = { code: 0, session: undefined, ended: undefined }
  from.invite(
    { uri: uri(`sip:${called}@${OURS}`), from: address(as), body, headers },
    {
      accepted: session => {
        made.code = 200
        made.session = session
        session.listen({
          ended: ({ cause }) => {
            made.ended = cause
          },
        })
      },
      rejected: ({ code }) => {
        made.code = code
      },
    },
  )
  await pass(clock, 100)
  return made
}
const desk = () => call(alice, 'desk', {}, { as: '<sip:alice@a.example>', body: described(ALICE!) })
const firstOf = ({ session }: Made, more = ''): Record<string, string> => ({
  Replaces: `${session!.callId};to-tag=${session!.remoteTag};from-tag=${session!.localTag}${more}`,
})
const running = () => gateway.board.calls.infos().filter(({ state }) => state === 'live')

describe('INVITE with Replaces', () => {
  test('has the streams of the call whose place it takes, and the old one is hung up', async () => {
    gateway.publish('live')
    const first = await desk()
    await gateway.board.calls.get(running()[0]!.id).hearing.hear('live')
    const before = running()[0]!
    expect(gateway.registry.find('a')?.state).toBe('ready')
    const second = await call(bob, 'desk', { ...firstOf(first), Require: 'replaces' })
    expect([second.code, first.ended, second.ended]).toEqual([200, 'remote', undefined])
    expect(running()).toHaveLength(1)
    expect(running()[0]).toMatchObject({ from: 'sip:bob@b.example', publish: 'a', hear: 'live' })
    expect(running()[0]!.id).not.toBe(before.id)
    expect(gateway.registry.find('a')).toMatchObject({ state: 'ready', publisher: `sip ${BOB}` })
    expect(gateway.events.find(({ type }) => type === 'call:transferred')).toMatchObject({
      call: { id: before.id },
      result: { done: true, code: 200, detail: expect.stringContaining('takes its place') },
    })
  })

  test('without streams too', async () => {
    const first = await call(alice, 'pin', {}, { as: '<sip:alice@a.example>' })
    const { id } = running()[0]!
    await gateway.board.calls.get(id).join()
    const second = await call(bob, 'pin', firstOf(first))
    expect([second.code, first.ended]).toEqual([200, 'remote'])
    expect(gateway.board.calls.info(id)?.reason?.detail).toMatch(/has its place$/)
  })

  test.each([
    ['a call that is not there', 'x;to-tag=1;from-tag=2', 481],
    ['no tags', 'x', 400],
    ['nothing at all', ';to-tag=1', 400],
  ])('%s: refused, and the line is as it was', async (_what, replaces, code) => {
    const first = await desk()
    expect((await call(bob, 'desk', { Replaces: replaces })).code).toBe(code)
    expect([first.ended, running().length]).toEqual([undefined, 1])
  })

  test.each([
    ['one whom the rule does not name', 'desk', { as: '<sip:mallory@c.example>' }, '', 403],
    ['one that wants only what rings', 'desk', {}, ';early-only', 486],
    ['one whose description does not fit', 'desk', { body: described(BOB!, 'text/plain') }, '', 415],
    ['a number that is not his to call', 'nobody', {}, '', 404],
  ])('%s: refused, and the call goes on', async (_what, called, options, more, code) => {
    const first = await desk()
    const second = await call(bob, called, firstOf(first, more), options)
    expect([second.code, first.ended, running().length]).toEqual([code, undefined, 1])
  })

  test('a call whose rule lets nobody have it, and one that has not shown its PIN, are kept', async () => {
    const firm = await call(alice, 'firm', {}, { as: '<sip:alice@a.example>' })
    expect((await call(bob, 'firm', firstOf(firm))).code).toBe(403)
    const asked = await call(alice, 'pin', {}, { as: '<sip:alice@a.example>' })
    expect((await call(bob, 'pin', firstOf(asked))).code).toBe(480)
    expect([firm.ended, asked.ended]).toEqual([undefined, undefined])
  })

  test('of two who would take its place at once one has it, and keeps it', async () => {
    const first = await desk()
    const carol = await openPeer(clock, network, '10.0.0.4')
    const both = await Promise.all([
      call(bob, 'desk', firstOf(first)),
      call(carol, 'desk', firstOf(first), { as: '<sip:carol@b.example>', body: described('10.0.0.4') }),
    ])
    expect(both.map(({ code, ended }) => [code, ended])).toEqual([
      [200, undefined],
      [603, undefined],
    ])
    await Promise.all([carol.close(0), pass(clock, 500, 50)])
  })

  test('whoever is asked about it is told the streams that it would get, and of a refused one nobody is asked', async () => {
    await gateway.close()
    await pass(clock, 1000, 50)
    const asked: unknown[] = []
    const routes = [
      { called: 'desk', from: 'any', publish: 'a', transfer: { to: ['@b.example'] } },
      { called: 'door', from: 'any', publish: 'public' },
    ]
    const admitCall = async ({ from, publish }: CallAccess): Promise<void> => void asked.push([from, publish])
    gateway = await openBoard(clock, network, { routes }, OURS, { admitCall })
    const first = await desk()
    const mallory = await call(bob, 'door', firstOf(first), { as: '<sip:mallory@c.example>' })
    const second = await call(bob, 'door', firstOf(first))
    expect([mallory.code, second.code]).toEqual([403, 200])
    expect(asked).toEqual([
      ['sip:alice@a.example', 'a'],
      ['sip:bob@b.example', 'a'],
    ])
  })

  test('of another call of that number the line is taken', async () => {
    await desk()
    expect((await call(bob, 'desk')).code).toBe(486)
  })
})

describe('REFER with Replaces', () => {
  const refer = async (session: Session, target: string): Promise<{ code: number; told: string[] }> => {
    const told: string[] = []
    session.listen({
      notify: (request: IncomingRequest) => {
        told.push(request.request.body!.content.trim())
        request.reply(200)
      },
      ended: () => undefined,
    })
    let code = 0
    void session.refer(target, { headers: { 'Referred-By': '<sip:alice@a.example>' } }).then(answer => {
      code = answer.code
    })
    await pass(clock, 300)
    return { code, told }
  }
  const target = `<sip:bob@${BOB}?Replaces=a%2B1%40x%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces>`

  beforeEach(async () => {
    await gateway.close()
    await pass(clock, 1000, 50)
    gateway = await openBoard(clock, network, {
      routes: [{ called: 'desk', from: 'any', publish: 'a', transfer: { to: [`@${BOB}`] } }],
      outbound: { domains: [BOB] },
    })
  })

  test('calls whoever was consulted in the place of that call, with the streams of the first', async () => {
    const seen: Record<string, string | undefined> = {}
    pickUp = invite => {
      for (const name of ['replaces', 'require', 'referred-by']) seen[name] = invite.request.headers.get(name)
      invite.accept(described(BOB!))?.listen({ ended: () => undefined })
    }
    const first = await desk()
    const { code, told } = await refer(first.session!, target)
    expect(code).toBe(202)
    expect(seen).toEqual({
      replaces: 'a+1@x;to-tag=1;from-tag=2',
      require: 'replaces',
      'referred-by': '<sip:alice@a.example>',
    })
    expect(told.at(-1)).toBe('SIP/2.0 200 OK')
    expect(running()).toMatchObject([{ direction: 'outbound', publish: 'a' }])
    expect(first.session!.ended).toBe(true)
  })

  test('when that call is gone it says so, and the first goes on', async () => {
    const first = await desk()
    const { told } = await refer(first.session!, target)
    expect(told.at(-1)).toMatch(/^SIP\/2\.0 481 /)
    expect(running()).toMatchObject([{ direction: 'inbound', publish: 'a' }])
  })

  test('to whom the rule does not name it is declined', async () => {
    const first = await desk()
    const { code } = await refer(first.session!, target.replace(BOB!, '10.0.0.77'))
    expect(code).toBe(603)
  })

  test('a caller leads us to no private address that nobody has named', async () => {
    await gateway.close()
    await pass(clock, 1000, 50)
    const refused: string[] = []
    const resolveForPeers = async (host: string): Promise<void> => {
      refused.push(host)
      throw new GatewayError('forbidden', `${host} is private`)
    }
    gateway = await openBoard(
      clock,
      network,
      {
        routes: [{ called: 'desk', from: 'any', publish: 'a', transfer: { to: [`@${BOB}`] } }],
        outbound: { domains: ['*'] },
      },
      OURS,
      { resolveForPeers },
    )
    let calls = 0
    pickUp = () => void calls++
    const first = await desk()
    const { told } = await refer(first.session!, target)
    expect([told.at(-1), calls, refused]).toEqual(['SIP/2.0 603 Failed', 0, [BOB]])
    expect(running()).toMatchObject([{ direction: 'inbound', publish: 'a' }])
  })
})
