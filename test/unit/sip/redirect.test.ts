/** Where calls of ours are led by those they are for: 3xx answers, and names that `*` lets through. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Call } from '../../../src/adapters/sip/calls/call.ts'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { GatewayError } from '../../../src/errors.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { openPeer, pass } from '../../helpers/sip-peer.ts'

const PEER = '10.0.0.2'
let clock: ManualClock
let network: SipNetwork
let gateway: TestBoard
let peer: Signalling
let incoming: IncomingInvite[]
let asked: string[]

/** As `outbound.allowPrivate` has it, where nothing private but the peer is allowed. */
const resolveHost = async (host: string): Promise<void> => {
  asked.push(host)
  if (host !== PEER) throw new GatewayError('forbidden', `${host} is a private address`)
}

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  incoming = []
  asked = []
  const outbound = { domains: ['*', '10.0.0.8'], numbers: ['1'] }
  const trunks = { carrier: { uri: 'sip:us@10.0.0.7' } }
  gateway = await openBoard(clock, network, { outbound, trunks })
  peer = await openPeer(clock, network, PEER, { onInvite: invite => incoming.push(invite) })
})
afterEach(async () => {
  await Promise.all([gateway.close(), peer.close(0), pass(clock, 2000, 50)])
})

const dial = async (to = `sip:bob@${PEER}`): Promise<Call> => {
  const call = await gateway.board.dial({ to, resolveHost })
  await pass(clock, 50)
  return call
}
const movedTo = async (Contact: string): Promise<void> => {
  incoming.at(-1)!.reject(302, { headers: { Contact } })
  await pass(clock, 200)
}

test('round and round: five times, then the call is over with what was last said', async () => {
  const call = await dial()
  for (let i = 0; i < 5; i++) await movedTo(`<sip:bob@${PEER}>`)
  expect(call.isOver).toBe(false)
  await movedTo(`<sip:bob@${PEER}>`)
  expect(incoming).toHaveLength(6)
  expect(call.reason).toMatchObject({ code: 302, by: 'them' })
  expect(gateway.ports.size).toBe(0)
})

test('to an address that may not be reached: the next contact is tried, best first', async () => {
  const call = await dial()
  await movedTo(`<sip:carol@${PEER}>;q=0.1, <sip:evil@10.9.9.9>;q=0.9`)
  expect(asked).toEqual([PEER, '10.9.9.9', PEER])
  expect(incoming[1]!.request.uri.user).toBe('carol')
  await movedTo('<sip:evil@10.9.9.9;maddr=10.9.9.8>, <sip:0900@10.0.0.7>')
  expect(call.reason).toMatchObject({ code: 302, by: 'them' })
  expect(network.sent.filter(({ to }) => to.startsWith('10.9.9'))).toEqual([])
})

test('a call that is hung up while it is looked where it is sent on is not made anew', async () => {
  const look = Promise.withResolvers<void>()
  const looks = [Promise.resolve(), look.promise]
  const call = await gateway.board.dial({ to: `sip:bob@${PEER}`, resolveHost: () => looks.shift()! })
  await pass(clock, 50)
  await movedTo(`<sip:carol@${PEER}>`)
  expect(looks).toEqual([])
  void call.end({ code: 0, by: 'us', detail: 'enough' })
  look.resolve()
  await pass(clock, 200)
  expect(incoming).toHaveLength(1)
  expect(call.reason).toMatchObject({ by: 'us', detail: 'enough' })
})

test('of whom * lets through every address is looked at, of whom the configuration names none', async () => {
  await expect(dial('sip:x@10.9.9.9')).rejects.toMatchObject({ code: 'forbidden' })
  await expect(dial('sip:x@localhost:5060')).rejects.toMatchObject({ code: 'forbidden' })
  expect(asked[1]).toMatch(/^(127\.0\.0\.1|::1)$/)
  expect(gateway.ports.size).toBe(0)
  asked = []
  await dial('sip:x@10.0.0.8')
  await dial('sip:1@10.0.0.7')
  expect(asked).toEqual([])
  const invited = network.sent.filter(({ text }) => text.startsWith('INVITE')).map(({ to }) => to)
  expect(invited).toEqual(expect.arrayContaining(['10.0.0.8:5060', '10.0.0.7:5060']))
})
