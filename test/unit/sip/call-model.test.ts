/** Whatever both ends do in whatever order, with messages lost: each call ends once, and nothing of it is left. */
import { expect, test } from 'vitest'
import { setHold } from '../../../src/adapters/sip/calls/renegotiate.ts'
import { sendDigits } from '../../../src/adapters/sip/calls/send-digits.ts'
import { transferCall } from '../../../src/adapters/sip/calls/transfer.ts'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { OutgoingInvite } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { Session } from '../../../src/adapters/sip/session.ts'
import type { Publication } from '../../../src/core/types.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { createRandom, type Random } from '../../helpers/random.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, uri } from '../../helpers/sip-peer.ts'

const PEER = '10.0.0.2'
const from = 'any'
const section = {
  routes: [
    { called: '1000', from, publish: 'calls/{callId}', hear: 'live/cam' },
    { called: '2000', from, publish: 'calls/one', hear: 'live/cam', answer: 'at-once' },
    { called: '3000', from, pin: '12', publish: 'calls/{callId}' },
    { called: '4000', from, hear: 'live/cam', earlyMedia: true },
    { called: '5000', from, auth: { user: 'bob', password: 'secret' }, hear: 'live/cam' },
    { called: '6000', from, publish: 'calls/{callId}', transfer: { to: '1' }, answer: 'at-once' },
  ],
  codecs: ['pcmu', 'pcma'],
  outbound: { domains: [PEER] },
  limits: { newCallsPerSource: 1000, refusalsPerSource: 10_000 },
  timeouts: { ringMs: 8000, hearMs: 4000, pinMs: 3000, transferMs: 5000, silenceMs: 60_000 },
}

const body = (version: number, ...rest: [('sendrecv' | 'sendonly' | 'inactive')?]) => ({
  type: 'application/sdp',
  content: phoneSdp(PEER, version, ...rest),
})

/** The other end, which does as chance has it. */
class Peer {
  readonly ringing: IncomingInvite[] = []
  readonly dialled: OutgoingInvite[] = []
  readonly sessions: Session[] = []
  version = 1

  joined(session: Session): void {
    this.sessions.push(session)
    session.listen({
      offered: offer => offer.accept(body(++this.version)),
      answered: () => undefined,
      info: incoming => incoming.reply(200),
      refer: incoming => {
        incoming.reply(202)
        const content = `SIP/2.0 ${this.version % 2 === 0 ? '200 OK' : '486 Busy Here'}\r\n`
        void session.notify('refer', 'terminated', { body: { type: 'message/sipfrag', content } })
      },
      ended: () => undefined,
    })
  }
}

const pick = <T>(random: Random, list: readonly T[]): T | undefined => list[random(Math.max(1, list.length))]

/** @returns the types of events there were */
const run = async (seed: number): Promise<readonly string[]> => {
  const random = createRandom(seed)
  const clock = new ManualClock()
  const network = new SipNetwork(clock)
  const gateway: TestBoard = await openBoard(clock, network, section)
  const { board, registry, events, ports } = gateway
  const peer = new Peer()
  const signalling = await openPeer(clock, network, PEER, { onInvite: invite => peer.ringing.push(invite) })
  const lossy = random(3) === 0
  network.drop = () => lossy && random(6) === 0
  let cam: Publication | undefined = gateway.publish('live/cam')
  const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined)
  const anyCall = () => pick(random, [...board.calls.values()])
  const anySession = () => pick(random, peer.sessions)

  const actions: readonly (() => void)[] = [
    () => {
      const called = pick(random, ['1000', '2000', '3000', '4000', '5000', '6000', '9999'])
      const late = random(5) === 0
      peer.dialled.push(
        signalling.invite(
          {
            uri: uri(`sip:${called}@10.0.0.1`),
            from: address(`<sip:bob@${PEER}>`),
            ...(late ? {} : { body: body(1) }),
            credentials: { user: 'bob', password: random(2) === 0 ? 'secret' : 'wrong' },
          },
          {
            accepted: session => {
              peer.joined(session)
              if (late) session.acknowledge(body(1))
            },
            rejected: () => undefined,
          },
        ),
      )
    },
    () => {
      const hear = random(2) === 0 ? 'live/cam' : undefined
      quietly(
        board.dial({
          to: `sip:bob@${PEER}`,
          hear,
          publish: random(2) === 0 ? `out/${random(3)}` : undefined,
        }),
      )
    },
    () => pick(random, peer.dialled)?.cancel(),
    () => pick(random, peer.ringing)?.progress(180),
    () => pick(random, peer.ringing)?.progress(183, { body: body(++peer.version) }),
    () => pick(random, peer.ringing)?.reject(pick(random, [486, 603, 404, 500])!),
    () => {
      const session = pick(random, peer.ringing)?.accept(body(++peer.version))
      if (session !== undefined) peer.joined(session)
    },
    () => anySession()?.bye(),
    () =>
      quietly(
        anySession()?.reinvite(
          body(++peer.version, pick(random, ['sendonly', 'inactive', 'sendrecv'] as const)),
        ) ?? settle(),
      ),
    () => quietly(anySession()?.update(body(++peer.version)) ?? settle()),
    () => quietly(anySession()?.reinvite(undefined, {}, () => body(++peer.version)) ?? settle()),
    () =>
      quietly(
        anySession()?.info({
          type: 'application/dtmf-relay',
          content: `Signal=${pick(random, ['1', '2', '#'])}`,
        }) ?? settle(),
      ),
    () => quietly(anySession()?.refer(`<sip:1@${PEER}>`) ?? settle()),
    () => quietly(anyCall()?.end({ code: 0, by: 'us', detail: 'enough' }) ?? settle()),
    () => {
      const call = anyCall()
      if (call !== undefined) quietly(setHold(call, random(2) === 0))
    },
    () => {
      const call = anyCall()
      if (call !== undefined) quietly(sendDigits(call, '1', 'info'))
    },
    () => {
      const call = anyCall()
      if (call !== undefined) quietly(transferCall(call, `sip:x@${PEER}`))
    },
    () => quietly(anyCall()?.hearing.hear(random(2) === 0 ? 'live/cam' : undefined) ?? settle()),
    () => {
      if (cam === undefined) cam = gateway.publish('live/cam')
      else {
        quietly(cam.close({ code: 'unpublished' }))
        cam = undefined
      }
    },
  ]
  for (let step = 0; step < 40 + random(40); step++) {
    pick(random, actions)!()
    if (random(3) > 0) await pass(clock, random(random(4) === 0 ? 3000 : 40), 20)
  }

  network.drop = () => false
  for (const session of peer.sessions) if (random(2) === 0) session.bye()
  for (const call of board.calls.values()) quietly(call.end({ code: 0, by: 'us', detail: 'the end' }))
  for (const invite of peer.dialled) invite.cancel()
  await pass(clock, 70_000, 250)
  if (cam !== undefined) await cam.close({ code: 'unpublished' })
  await pass(clock, 12_000, 250)

  const ended = events
    .filter(({ type }) => type === 'call:ended')
    .map(event => 'call' in event && event.call.id)
  const begun = new Set(events.flatMap(event => ('call' in event ? [event.call.id] : [])))
  expect(ended.length, 'one end each').toBe(begun.size)
  expect(new Set(ended).size, 'no end twice').toBe(ended.length)
  for (const id of begun) {
    const own = events.filter(event => 'call' in event && event.call.id === id).map(({ type }) => type)
    expect(own.at(-1)).toBe('call:ended')
    expect(own.filter(type => type === 'call:answered').length).toBeLessThan(2)
  }
  expect(ports.size, 'no port is left').toBe(0)
  expect(
    registry.list().map(({ name }) => name),
    'no stream is left',
  ).toEqual([])
  expect(board.calls.size).toBe(0)
  const { dialogs, clientTransactions, serverTransactions } = board.signalling.stats().gauges
  expect({ dialogs, clientTransactions, serverTransactions }).toEqual({
    dialogs: 0,
    clientTransactions: 0,
    serverTransactions: 0,
  })
  await Promise.all([gateway.close(), signalling.close(0), pass(clock, 3000, 100)])
  return events.map(({ type }) => type)
}

test('eighty random conversations', { timeout: 60_000 }, async () => {
  const seen = new Set<string>()
  for (let seed = 1; seed <= 80; seed++) {
    const types = await run(seed).catch((error: Error) => {
      error.message = `seed ${seed}: ${error.message}`
      throw error
    })
    for (const type of types) seen.add(type)
  }
  const calls = ['ringing', 'early', 'answered', 'held', 'resumed', 'dtmf', 'transferred', 'refused', 'ended']
  expect([...seen].sort()).toEqual(calls.map(name => `call:${name}`).sort())
})
