/** Calls and the access hook: only a clear yes in time lets a call in that the dial plan admits. */
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Rejection } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import type { ConfigInput } from '../../../src/config/config.ts'
import { createGateway, type Gateway } from '../../../src/gateway.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { type HookServer, startHookServer } from '../../helpers/hook-server.ts'
import { until } from '../../helpers/program.ts'
import { placeSipCall } from '../../helpers/sip-caller.ts'
import { address, uri } from '../../helpers/sip-peer.ts'
import { audio, openUserAgent } from '../../helpers/sip-user-agent.ts'

const free = { listen: { host: '127.0.0.1', port: 0 } }
let server: HookServer
let gateway: Gateway
let caller: Signalling

const open = async (over: ConfigInput): Promise<Gateway> =>
  createGateway(
    { http: free, rtmp: free, webrtc: free, ...over },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
const sip = {
  ...free,
  limits: { refusalsPerSource: 100_000, newCallsPerSource: 10_000 },
  routes: [
    {
      called: '1000',
      name: 'reception',
      from: 'loopback',
      publish: 'calls/{callId}',
      hear: 'live/{caller}',
      answer: 'at-once',
    },
    { called: 'vip', auth: { user: 'bob', password: 'secret' }, publish: 'calls/vip' },
  ],
}
beforeAll(async () => {
  server = await startHookServer()
  const hook = { url: server.url, secret: 'a secret of the hook', timeoutMs: 1500 }
  gateway = await open({ access: { hook }, sip })
  caller = await openUserAgent()
})
afterAll(async () => {
  await gateway?.close()
  await caller?.close()
  await server?.[Symbol.asyncDispose]()
})
beforeEach(() => {
  server.requests.length = 0
  server.answer = response => void response.writeHead(204).end()
})

const doorOf = (of = gateway): number => of.doors.get('sip')!.port
const asked = (): object[] => server.requests.map(({ body }) => JSON.parse(body) as object)

const callTo = (called: string, door = doorOf()) => {
  const end = Promise.withResolvers<Rejection | 'answered'>()
  const invite = caller.invite(
    {
      uri: uri(`sip:${called}@127.0.0.1:${door}`),
      from: address('<sip:alice@example.org>'),
      body: audio(),
      credentials: { user: 'bob', password: 'secret' },
    },
    {
      accepted: session => {
        session.listen({ ended: () => undefined })
        session.bye()
        end.resolve('answered')
      },
      rejected: end.resolve,
    },
  )
  return { invite, end: end.promise }
}
const outcome = async (called = '1000'): Promise<readonly unknown[]> => {
  const result = await callTo(called).end
  return result === 'answered' ? [result] : [result.code, result.retryAfterS]
}

test('it is told who calls whom, by which rule, signed by whom, and to which streams', async () => {
  expect(await outcome()).toEqual(['answered'])
  const to = (called: string): string => `sip:${called}@127.0.0.1:${doorOf()}`
  const call = { action: 'call', protocol: 'sip', remote: '127.0.0.1', from: 'sip:alice@example.org' }
  const plain = { called: '1000', route: 'reception', publish: 'calls/{callId}', hear: 'live/alice' }
  expect(asked()).toEqual([{ ...call, ...plain, to: to('1000') }])
  expect(await outcome('vip')).toEqual(['answered'])
  expect(asked()[1]).toEqual({
    ...call,
    ...{ called: 'vip', route: 'vip', user: 'bob', publish: 'calls/vip', to: to('vip') },
  })
})

test('of what the dial plan refuses nobody is asked', async () => {
  expect(await outcome('9999')).toEqual([404, undefined])
  expect(asked()).toEqual([])
})

const status =
  (code: number, body = '') =>
  (response: ServerResponse): void =>
    void response.writeHead(code).end(body)

test.each<[string, (response: ServerResponse) => void, readonly [number, number | undefined]]>([
  ['403', status(403, '{"reason":"not today"}'), [403, undefined]],
  ['401', status(401), [403, undefined]],
  ['404', status(404), [404, undefined]],
  ['500', status(500), [503, 1]],
  ['429', status(429), [503, 1]],
  ['a redirection', status(302), [503, 1]],
  ['a broken connection', response => void response.destroy(), [503, 1]],
  ['silence', () => undefined, [503, 1]],
])('%s: no call, no port, no stream', async (_what, answer, expected) => {
  server.answer = answer
  const before = gateway.calls.list().length
  expect(await outcome()).toEqual(expected)
  expect(gateway.calls.list()).toHaveLength(before)
})

test('a refusal is an event with its reason', async () => {
  server.answer = status(403, '{"reason":"not today"}')
  const seen: string[] = []
  const stop = gateway.calls.on(
    event => void (event.type === 'call:refused' && seen.push(event.reason.detail)),
  )
  await until('one is told, at most once a second', async () => {
    await outcome()
    return seen.length > 0
  })
  stop()
  expect(seen[0]).toMatch(/the call from sip:alice@example\.org .*answered 403: not today$/)
})

test('who hangs up while it is asked is answered 487, and the yes that comes then lets nothing in', async () => {
  const waiting = Promise.withResolvers<ServerResponse>()
  server.answer = waiting.resolve
  const { invite, end } = callTo('1000')
  const response = await waiting.promise
  const before = gateway.calls.list().length
  invite.cancel()
  expect(await end).toMatchObject({ code: 487 })
  response.writeHead(204).end()
  expect(await outcome('9999')).toEqual([404, undefined])
  expect(gateway.calls.list()).toHaveLength(before)
})

test('who comes while the last line is asked for does not get it as well', async () => {
  const tight = await open({
    access: { hook: { url: server.url, secret: 'a secret of the hook' } },
    sip: { ...sip, limits: { ...sip.limits, calls: 1 } },
  })
  const held: ServerResponse[] = []
  server.answer = response => void held.push(response)
  const calls = [placeSipCall(doorOf(tight), '1000'), placeSipCall(doorOf(tight), '1000')]
  const results = Promise.allSettled(calls)
  await until('both are asked for', () => held.length === 2)
  for (const response of held) response.writeHead(204).end()
  const ended = await results
  expect(ended.map(({ status: how }) => how).sort()).toEqual(['fulfilled', 'rejected'])
  expect(ended.find(({ status: how }) => how === 'rejected')).toMatchObject({
    reason: { message: expect.stringContaining('503') },
  })
  for (const result of ended) if (result.status === 'fulfilled') await result.value.close()
  await tight.close()
})

test('who waits while the gateway closes is told so, and the yes that comes then lets nothing in', async () => {
  const closing = await open({ access: { hook: { url: server.url, secret: 'a secret of the hook' } }, sip })
  const asked = Promise.withResolvers<ServerResponse>()
  server.answer = asked.resolve
  const { end } = callTo('1000', doorOf(closing))
  const response = await asked.promise
  await closing.close()
  response.writeHead(204).end()
  expect(await end).toMatchObject({ code: 503, retryAfterS: 10 })
  expect(closing.calls.list()).toEqual([])
})
