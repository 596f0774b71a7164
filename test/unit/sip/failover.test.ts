/** Requests outside a call, and what happens when the first server does not answer. */
import { beforeEach, expect, test } from 'vitest'
import type { DnsResolver, Signalling } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

let clock: ManualClock
let network: SipNetwork
let ours: Signalling

const resolver: DnsResolver = {
  resolveNaptr: async () => [],
  resolveSrv: async () => [
    { name: 'first', port: 5060, priority: 1, weight: 1 },
    { name: 'second', port: 5060, priority: 2, weight: 1 },
  ],
  lookup: async host => [{ address: host === 'first' ? '10.0.0.8' : '10.0.0.9', family: 4 }],
}

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  ours = await openPeer(clock, network, '10.0.0.1', { resolver })
})

const options = {
  method: 'OPTIONS',
  uri: uri('sip:trunk.example;transport=udp'),
  from: address('<sip:me@10.0.0.1>'),
}

test('the second server is asked when the first is silent', async () => {
  const second = await RawPeer.open(network, '10.0.0.9', '10.0.0.1')
  const result = ours.request(options)
  await pass(clock, 33_000, 100)
  second.respond(second.requests[0]!, 200, 'x')
  await pass(clock, 100)
  expect(await result).toMatchObject({ response: { code: 200 }, source: { ip: '10.0.0.9', port: 5060 } })
  const branches = new Set(network.sent.map(({ text }) => /branch=(\w+)/.exec(text)?.[1]))
  expect(branches.size).toBe(2)
})

test('the second server is asked at once when the first is overloaded', async () => {
  const first = await RawPeer.open(network, '10.0.0.8', '10.0.0.1')
  const second = await RawPeer.open(network, '10.0.0.9', '10.0.0.1')
  const codes: number[] = []
  ours.invite(
    { uri: options.uri, from: options.from, body: sdp('offer') },
    { accepted: () => undefined, rejected: ({ code }) => codes.push(code) },
  )
  await pass(clock, 20)
  first.respond(first.requests[0]!, 503, 'x')
  await pass(clock, 20)
  expect(first.methods()).toEqual(['INVITE', 'ACK'])
  expect(second.methods()).toEqual(['INVITE'])
  second.respond(second.requests[0]!, 503, 'y')
  await pass(clock, 20)
  expect(codes).toEqual([503])
})

test('the last silence is told as 408, and where', async () => {
  const result = ours.request(options)
  await pass(clock, 66_000, 100)
  expect(await result).toEqual({
    response: expect.objectContaining({ code: 408 }),
    cseq: 1,
    detail: 'no answer from udp 10.0.0.9:5060 within 32 s',
  })
})

test('a request goes by its routes, signed, with its own Call-ID and count', async () => {
  const proxy = await RawPeer.open(network, '10.0.0.7', '10.0.0.1')
  const result = ours.request({
    method: 'REGISTER',
    uri: uri('sip:registrar.example'),
    route: [uri('sip:10.0.0.7;lr')],
    from: address('<sip:bob@registrar.example>'),
    to: address('<sip:bob@registrar.example>'),
    headers: { Contact: '<sip:bob@10.0.0.1>', Expires: '60' },
    credentials: { user: 'bob', password: 'pw' },
    callId: 'mine',
    cseq: 7,
  })
  await pass(clock, 20)
  expect(proxy.requests[0]).toMatchObject({ rawUri: 'sip:registrar.example', callId: 'mine', cseq: 7 })
  expect(proxy.requests[0]!.headers.get('route')).toBe('<sip:10.0.0.7;lr>')
  proxy.respond(proxy.requests[0]!, 401, 'x', ['WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'])
  await pass(clock, 20)
  expect(proxy.requests[1]!.headers.get('authorization')).toContain('username="bob"')
  proxy.respond(proxy.requests[1]!, 200, 'x')
  await pass(clock, 20)
  expect(await result).toMatchObject({ cseq: 8, response: { code: 200 } })
})

test('a name that nobody knows is told at once, with the name', async () => {
  const lost = await openPeer(clock, network, '10.0.0.2', {
    resolver: {
      ...resolver,
      resolveSrv: async () => [],
      lookup: () => Promise.reject(new Error('ENOTFOUND')),
    },
  })
  const details: (string | undefined)[] = []
  lost.invite(
    { uri: options.uri, from: options.from, body: sdp('offer') },
    { accepted: () => undefined, rejected: ({ code, detail }) => details.push(`${code} ${detail}`) },
  )
  await pass(clock, 20)
  expect(details).toEqual(['503 The remote end cannot be reached: trunk.example: ENOTFOUND'])
})
