/** What may go wrong after the answer without ending the call: what is to be heard, and the greeting. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Call } from '../../../src/adapters/sip/calls/call.ts'
import type { Session } from '../../../src/adapters/sip/session.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, uri } from '../../helpers/sip-peer.ts'

const PEER = '10.0.0.2'
const from = 'any'
const both = { publish: 'calls/{called}', hear: 'live/cam' }
const section = {
  routes: [
    { called: '1000', from, ...both, answer: 'at-once' },
    { called: '2000', from, ...both },
    { called: '3000', from, ...both, pin: '4711' },
    { called: '4000', from, publish: 'calls/{called}', greeting: '/none/hello.wav' },
  ],
  codecs: ['pcmu', 'pcma'],
}

let clock: ManualClock
let network: SipNetwork
let gateway: TestBoard
let peer: Signalling

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  gateway = await openBoard(clock, network, section)
  peer = await openPeer(clock, network, PEER)
})
afterEach(async () => {
  await Promise.all([gateway.close(), peer.close(0), pass(clock, 2000, 50)])
})

const sdp = (codec: 'pcmu' | 'pcma', version = 1) => ({
  type: 'application/sdp',
  content: phoneSdp(PEER, version, 'sendrecv', { codec }),
})
/** Answers with the session, or the code of the refusal. */
const call = async (user: string): Promise<Session | number | undefined> => {
  let result: Session | number | undefined
  peer.invite(
    { uri: uri(`sip:${user}@10.0.0.1`), from: address(`<sip:bob@${PEER}>`), body: sdp('pcmu') },
    {
      accepted: session => {
        result = session
        session.listen({ ended: () => undefined })
      },
      rejected: ({ code }) => {
        result = code
      },
    },
  )
  await pass(clock, 100)
  return result
}
const theCall = (): Call => [...gateway.board.calls.values()][0]!

/** Sound that only pcma carries: nothing transcodes here. */
const publishOther = () => {
  const publication = gateway.registry.publish('live/cam', { label: 'x', onConflict: 'take-over' })
  publication.addTrack({
    id: 'audio',
    native: 'rtp',
    params: { codec: 'pcma', kind: 'audio', clockRate: 8000, channels: 1 },
  })
  publication.ready()
  return publication
}
const goesOn = { state: 'live', hear: 'live/cam', hearError: expect.stringMatching(/pcm[au]/i) }

test('answered at once, it goes on and is published, though it cannot hear', async () => {
  publishOther()
  expect(await call('1000')).toBeTypeOf('object')
  await pass(clock, 1000)
  expect(theCall().info).toMatchObject({ ...goesOn, publish: 'calls/1000' })
  expect(gateway.registry.find('calls/1000')).toBeDefined()
})

test('it hears as soon as the stream is one that can be heard', async () => {
  const other = publishOther()
  await call('1000')
  await other.close({ code: 'unpublished' })
  gateway.publish('live/cam')
  await pass(clock, 100)
  expect(theCall().info.hearError).toBeUndefined()
  expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(1)
})

test('it hears as soon as the phone has changed to a codec that can carry it', async () => {
  publishOther()
  const session = await call('1000')
  if (typeof session !== 'object') throw new Error(`refused with ${session}`)
  void session.reinvite(sdp('pcma', 2))
  await pass(clock, 100)
  expect(theCall().info.hearError).toBeUndefined()
  expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(1)
})

test('whoever waits for what it is to hear is refused before the answer', async () => {
  publishOther()
  expect(await call('2000')).toBe(488)
  expect(gateway.board.calls.size).toBe(0)
})

test('after the right PIN it goes on as well', async () => {
  publishOther()
  await call('3000')
  for (const digit of ['4', '7', '1', '1', '#'] as const) theCall().onDigit(digit)
  await pass(clock, 100)
  expect(theCall().info).toMatchObject({ ...goesOn, publish: 'calls/3000' })
})

test('without a greeting that cannot be read it goes on, and says so', async () => {
  expect(await call('4000')).toBeTypeOf('object')
  await vi.waitFor(() => expect(theCall().info.remarks).toEqual([expect.stringContaining('/none/hello.wav')]))
  expect(theCall().info).toMatchObject({ state: 'live', publish: 'calls/4000' })
  expect(gateway.registry.find('calls/4000')).toBeDefined()
})
