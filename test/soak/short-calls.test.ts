/**
 * Some hundred short calls, in and out: half of them are cancelled, torn off or cannot be agreed upon. Nothing of them is
 * left behind, and two people who talk all the while hear nothing of it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outcomeOf } from '../../src/calls/call-totals.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/types.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { activeResources, childrenOf, heapInUse, openDescriptors } from '../helpers/resources.ts'
import { placeSipCall, type SipCaller } from '../helpers/sip-caller.ts'
import { startSipp } from '../helpers/sipp.ts'
import { strictLog } from '../helpers/strict-log.ts'

/** What must be remembered for 32 seconds (RFC 3261 timers D, H, J, L, M) is forgotten after four. */
const hasty: Clock = {
  ...systemClock,
  after: (us, run) => systemClock.after(us >= 30_000_000 ? us / 8 : us, run),
}
/** For each call: less than a call has, more than the lists of calls and of events keep of one. */
const mayKeepBytes = 10_000

let gateway: Gateway
let pbx: string
let talkers: readonly SipCaller[]
const faults: string[] = []
const outcomes = new Map<string, number>()
/** Packets that came back from who was called or called. */
let echoed = 0

beforeAll(async () => {
  const free = { listen: '127.0.0.1:0' }
  const from = 'loopback'
  gateway = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      streams: { graceMs: 0 },
      transcode: { enabled: false },
      sip: {
        ...free,
        limits: { newCallsPerSource: 1000, callsPerSource: 1000, refusalsPerSource: 1000 },
        timeouts: { silenceMs: 3000 },
        codecs: ['pcmu'],
        routes: [
          { called: 'one', from, publish: 'talk/one', hear: 'talk/other', answer: 'at-once' },
          { called: 'other', from, publish: 'talk/other', hear: 'talk/one' },
          { called: 'caller-cancel', from, publish: 'calls/{callId}', hear: 'nobody/is/there' },
          { called: '/short-.*/', from, publish: 'calls/{callId}', hear: 'talk/one' },
        ],
        outbound: { domains: ['127.0.0.1'] },
      },
    },
    { log: strictLog(faults), clock: hasty },
  )
  const { port } = gateway.doors.get('sip')!
  pbx = `127.0.0.1:${port}`
  talkers = [await placeSipCall(port, 'one'), await placeSipCall(port, 'other')]
  talkers[0]!.say(1)
  gateway.calls.on(event => {
    if (event.type !== 'call:ended') return
    const outcome = outcomeOf(event.call)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    echoed += event.call.media[0]?.received.packets ?? 0
  })
})
afterAll(async () => {
  await stopPrograms()
  await Promise.all(talkers.map(talker => talker.close()))
  await gateway.close()
})

/** Who talks gives back what it hears. */
const called = async (scenario: string, count: number): Promise<void> => {
  const echo = scenario === 'short-talk' ? ['-rtp_echo'] : []
  const args = ['-m', String(count), '-r', '20', '-s', scenario, ...echo]
  await (await startSipp(scenario, args, pbx)).done
}

const dial = async (scenario: string, port: number, count: number): Promise<void> => {
  for (let i = 0; i < count; i++) {
    const names = { publish: `from/${port}/${i}`, hear: 'talk/one' }
    const { id } = await gateway.calls.dial({ to: `sip:phone@127.0.0.1:${port}`, ...names })
    if (scenario !== 'lossy-callee-cancel') continue
    await until('it rings', () => gateway.calls.get(id).state === 'ringing')
    await gateway.calls.hangup(id)
  }
}

const calls = async (scenario: string, count: number): Promise<void> => {
  const { port, done } = await startSipp(scenario, ['-m', String(count)])
  await Promise.all([done, dial(scenario, port, count)])
}

/** All kinds of calls at once: ten times `count`. */
const round = async (count: number): Promise<void> => {
  await Promise.all([
    called('short-talk', 2 * count),
    called('short-torn', count),
    called('caller-cancel', count),
    called('short-misfit', count),
    called('short-garbled', count),
    calls('lossy-callee', 2 * count),
    calls('lossy-callee-cancel', count),
    calls('short-callee-misfit', count),
  ])
  const others = () => gateway.calls.list().filter(({ state }) => state !== 'ended')
  await until(
    () => `all calls end: ${JSON.stringify(others())}`,
    () => others().length === talkers.length,
  )
}

/** Packets of a talker so far. */
const received = (name: string): number =>
  gateway.calls.list().find(({ route }) => route === name)!.media[0]!.received.packets

const held = (): Record<string, number> => ({ ...activeResources(), descriptors: openDescriptors() })

test('two hundred short calls beside one that goes on', async () => {
  const idle = held()
  // What is made once, whoever calls first, is made now; the lists of what was are full.
  await round(15)
  await until(
    () => `what is remembered is forgotten: ${JSON.stringify(held())}`,
    () => held().Timeout! <= idle.Timeout! + 4,
  )
  const [before, heap] = [held(), heapInUse()]
  const [said, heard] = [received('one'), talkers[1]!.heard.length]
  outcomes.clear()
  await round(20)
  expect(Object.fromEntries(outcomes)).toEqual({ answered: 100, cancelled: 40, refused: 60 })
  expect(echoed).toBeGreaterThan(0)
  await until(
    () => `all is given back: before ${JSON.stringify(before)}, now ${JSON.stringify(held())}`,
    () => Object.entries(held()).every(([kind, number]) => number <= (before[kind] ?? 0)),
  )
  expect(heapInUse() - heap).toBeLessThan(200 * mayKeepBytes)
  expect(
    gateway.registry
      .list()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(['talk/one', 'talk/other'])
  expect(childrenOf()).toEqual([])
  expect(faults).toEqual([])

  // Where this busy process was late to say something, silence is heard.
  const passed = talkers[1]!.heard.slice(heard).filter(byte => byte === 1)
  expect(Math.abs(received('one') - said - passed.length)).toBeLessThan(5)
  expect(talkers.map(({ ended }) => ended)).toEqual([false, false])
  expect(
    gateway.calls
      .list()
      .slice(0, 2)
      .map(({ media }) => media[0]!.received.lost),
  ).toEqual([0, 0])
}, 60_000)
