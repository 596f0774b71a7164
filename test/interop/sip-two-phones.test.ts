/**
 * Two telephones and the gateway between them: who calls hears his own phone ring back while the other one rings, and
 * both talk as soon as it is answered.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { type Phone, startPhone } from '../helpers/baresip.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { frequencyOf, levelDb } from '../helpers/sound.ts'

let gateway: Gateway

beforeAll(async () => {
  const free = { listen: { host: '127.0.0.1', port: 0 } }
  const routes = [{ called: 'bob', from: 'loopback', publish: 'calls/alice', hear: 'calls/bob' }]
  gateway = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: { ...free, routes, outbound: { domains: ['127.0.0.1'] } },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
})
afterAll(async () => {
  await gateway.close()
  await stopPrograms()
})

/** The tone that a phone has heard, in hertz. */
const toneOf = ({ heard }: Phone): number => {
  const { rate, samples } = heard()
  const start = samples.findIndex((_, i) => levelDb(samples.subarray(i, i + rate / 10)) > -30)
  expect(start).toBeGreaterThanOrEqual(0)
  return frequencyOf(samples.subarray(start + rate / 10, start + rate / 2), rate)
}

test('a caller is told that it rings until the phone that is called for it is answered', async () => {
  const bob = await startPhone('bob', { tone: 500 })
  gateway.calls.on(event => {
    if (event.type === 'call:ringing' && event.call.direction === 'inbound')
      void gateway.calls.dial({ to: bob.uri, publish: 'calls/bob', hear: 'calls/alice' })
  })
  const alice = await startPhone('alice', { tone: 800 })
  alice.dial(`sip:bob@127.0.0.1:${gateway.doors.get('sip')!.port}`)
  await Promise.all([alice.until('CALL_RINGING'), bob.until('CALL_INCOMING')])
  // Its loudspeaker is open before anything was agreed: it plays its own ring-back tone.
  await until('it rings back', () => alice.program.output().includes('aubridge: created device'))
  expect(alice.events.map(({ type }) => type)).not.toContain('CALL_ESTABLISHED')
  expect(gateway.calls.list().flatMap(({ media }) => media)).toEqual([])
  bob.command('accept')
  await Promise.all([alice, bob].map(phone => phone.until('CALL_ESTABLISHED')))
  await until('both are heard', () =>
    gateway.calls.list().every(({ media }) => media[0]!.received.packets > 75 && media[0]!.sent.packets > 75),
  )
  alice.command('hangup')
  await alice.until('CALL_CLOSED')
  await Promise.all([alice.stop(), bob.stop()])
  expect(toneOf(alice)).toBeCloseTo(500, -1)
  expect(toneOf(bob)).toBeCloseTo(800, -1)
})
