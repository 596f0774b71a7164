/**
 * SIPp over UDP that loses every fifth datagram either way: all calls come about and end as they should, each once, by
 * nothing but retransmission.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallInfo } from '../../src/adapters/call-desk.ts'
import { outcomeOf } from '../../src/calls/call-totals.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { startSipp } from '../helpers/sipp.ts'

/** Calls of each scenario. All together stay in the list of those that ended. */
const each = 6
const lossy = ['-m', String(each), '-r', '20', '-lost', '20', '-max_retrans', '10', '-timeout', '60s']

let gateway: Gateway
let pbx: string

beforeAll(async () => {
  const free = { listen: { host: '127.0.0.1', port: 0 } }
  const from = 'loopback'
  gateway = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: {
        ...free,
        limits: { newCallsPerSource: 1000 },
        routes: [
          { called: 'lossy-caller-cancel', from, hear: 'nobody/is/there' },
          { called: 'lossy-caller-prack', from, hear: 'live/tone', earlyMedia: true },
          { called: '/lossy-.*/', from, publish: 'calls/{callId}' },
        ],
        outbound: { domains: ['127.0.0.1'] },
      },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
  pbx = `127.0.0.1:${gateway.doors.get('sip')!.port}`
  // Who calls this one is hung up on by us.
  gateway.calls.on(event => {
    const isTired = event.type === 'call:answered' && event.call.to.includes(':lossy-caller@')
    if (isTired) void gateway.calls.hangup(event.call.id)
  })
  const tone = gateway.registry.publish('live/tone', { label: 'test', onConflict: 'reject' })
  const params = { codec: 'pcmu', kind: 'audio', clockRate: 8000, channels: 1 } as const
  tone.addTrack({ id: 'audio', native: 'rtp', params })
  tone.ready()
})
afterAll(async () => {
  await stopPrograms()
  await gateway.close()
})

/** Of the calls to `address`: `each`, all different, and none is left; all went as `outcome` says. */
const expectCalls = async (address: string, outcome: string): Promise<void> => {
  const calls = (): readonly CallInfo[] => gateway.calls.list().filter(({ to }) => to.includes(address))
  await until(
    () => `they end: ${calls().map(({ state }) => state)}`,
    () => calls().every(({ state }) => state === 'ended'),
  )
  expect(calls().map(outcomeOf)).toEqual(Array(each).fill(outcome))
  expect(new Set(calls().map(({ callId }) => callId)).size).toBe(each)
}

const retransmitted = (): number => gateway.calls.counters().get('sip')!.retransmitted!

/** What this side does of a scenario. */
const followed = async (id: string, scenario: string): Promise<void> => {
  const reach = (state: string): Promise<void> =>
    until(
      () => `${scenario} ${state}: ${JSON.stringify(gateway.calls.get(id))}`,
      () => gateway.calls.get(id).state === state,
      60_000,
    )
  if (scenario === 'lossy-callee-held') {
    await reach('live')
    await gateway.calls.hold(id)
    await gateway.calls.hangup(id)
  }
  if (scenario === 'lossy-callee-cancel') {
    await reach('ringing')
    await gateway.calls.hangup(id)
  }
}

describe.concurrent('over a network that loses', () => {
  test.each([
    ['lossy-caller', 'answered'],
    ['lossy-caller-hold', 'answered'],
    ['lossy-caller-prack', 'answered'],
    ['lossy-caller-cancel', 'cancelled'],
  ])('%s', async (scenario, outcome) => {
    await (await startSipp(scenario, ['-s', scenario, ...lossy], pbx)).done
    await expectCalls(`:${scenario}@`, outcome)
  })

  test.each([
    ['lossy-callee', 'answered'],
    ['lossy-callee-prack', 'answered'],
    ['lossy-callee-held', 'answered'],
    ['lossy-callee-cancel', 'cancelled'],
  ])('%s', async (scenario, outcome) => {
    const { port, done } = await startSipp(scenario, lossy)
    const address = `127.0.0.1:${port}`
    const ids = await Promise.all(
      Array.from({ length: each }, async () => (await gateway.calls.dial({ to: `sip:phone@${address}` })).id),
    )
    await Promise.all(ids.map(id => followed(id, scenario)))
    await done
    await expectCalls(address, outcome)
  })
})

test('the gateway has sent again what was lost', () => {
  expect(retransmitted()).toBeGreaterThan(each)
})
