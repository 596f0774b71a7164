/** Ten thousand requests that are nearly right, at every route of a whole gateway with a live stream beside. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Gateway } from '../../src/gateway.ts'
import { type AttackedGateway, openAttackedGateway } from '../helpers/attacked-gateway.ts'
import type { HonestStream } from '../helpers/honest-stream.ts'
import { httpRequest, sayHttp } from '../helpers/http-wire.ts'
import { createRandom, mutate, type Random } from '../helpers/random.ts'
import { TestPeer } from '../helpers/webrtc-peer.ts'

let attacked: AttackedGateway
let gateway: Gateway
let honest: HonestStream
let port: number

beforeAll(async () => {
  attacked = await openAttackedGateway()
  ;({ gateway, honest, port } = attacked)
})
afterAll(() => attacked.close())

interface Seed {
  readonly line: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}
const json = { 'content-type': 'application/json' }
const sdp = { 'content-type': 'application/sdp' }
const offer = (direction: 'sendonly' | 'recvonly'): string => new TestPeer({ direction }).offer

/** Each route, and what must not be one. Nothing here may end the live stream or reach out of this machine. */
const createSeeds = (): readonly Seed[] => [
  { line: 'GET /healthz' },
  { line: 'GET /openapi.json' },
  { line: 'GET /metrics' },
  { line: 'GET /' },
  { line: 'GET /assets/main.ts' },
  { line: 'GET /assets/..%2f..%2fpackage.json' },
  { line: 'GET /v1/streams' },
  { line: 'GET /v1/streams/live%2Fhonest' },
  { line: 'GET /v1/streams/live%2Fnobody/snapshot.jpg?width=320' },
  { line: 'POST /v1/streams/live%2Fnobody/kick', headers: json, body: '{"reason":"why"}' },
  { line: 'DELETE /v1/streams/live%2Fnobody/subscribers/r1' },
  { line: 'GET /v1/adapters' },
  { line: 'GET /v1/config' },
  { line: 'POST /v1/config/plan' },
  { line: 'GET /v1/recordings' },
  { line: 'DELETE /v1/recordings/live%2Ffilm.flv' },
  { line: 'GET /v1/sources' },
  { line: 'GET /v1/jobs' },
  { line: 'POST /v1/jobs', headers: json, body: '{"type":"remux","from":"nothing.flv","to":"nothing.mp4"}' },
  { line: 'GET /v1/bridges' },
  {
    line: 'POST /v1/bridges',
    headers: json,
    body: '{"from":"stream:live/nobody","to":["file:film.flv"],"wait":false}',
  },
  { line: 'DELETE /v1/bridges/0123abcd' },
  { line: 'GET /v1/events?recent=3&type=stream:*', headers: { 'last-event-id': 'abc-1' } },
  {
    line: 'GET /v1/events/ws',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  },
  { line: 'GET /live/honest.flv', headers: { authorization: 'Basic dXNlcjpwYXNz' } },
  { line: 'GET /live/nobody.flv?token=abc&user=a&pass=b' },
  { line: 'POST /whip/fuzz/one', headers: { ...sdp, authorization: 'Bearer x' }, body: offer('sendonly') },
  { line: 'POST /whep/live/honest', headers: sdp, body: offer('recvonly') },
  {
    line: 'OPTIONS /whip/fuzz/one',
    headers: { origin: 'http://x', 'access-control-request-method': 'POST' },
  },
  {
    line: 'PATCH /webrtc/sessions/abc',
    headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': '"x"' },
    body: 'a=ice-ufrag:abcd\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n',
  },
]

const spoilText = (text: string, random: Random): string =>
  Buffer.from(mutate(Buffer.from(text), random)).toString('latin1')

/** One part of the request, so that what reads it is reached; or its bytes, wherever they are. */
const spoil = ({ line, headers = {}, body = '' }: Seed, random: Random): Uint8Array => {
  const [method, target] = line.split(' ') as [string, string]
  const names = Object.keys(headers)
  const part = random(6)
  if (part === 0) return mutate(httpRequest(line, headers, body), random)
  if (part === 1) return httpRequest(`${method} /${spoilText(target.slice(1), random)}`, headers, body)
  if (part === 2 && names.length > 0) {
    const name = names[random(names.length)]!
    return httpRequest(line, { ...headers, [name]: spoilText(headers[name]!, random) }, body)
  }
  return httpRequest(line, headers, mutate(Buffer.from(body), random))
}

test('10 000 spoiled requests', { timeout: 120_000 }, async () => {
  const random = createRandom(21)
  const seeds = createSeeds()
  const statuses = new Map<number | undefined, number>()
  const failed: string[] = []
  let left = 10_000
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const request = spoil(seeds[random(seeds.length)]!, random)
      const { status, text } = await sayHttp(port, request)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 500) failed.push(`${Buffer.from(request).toString('latin1')}\n→ ${text}`)
      if (random(50) === 0) honest.send(1)
    }
  }
  await Promise.all(Array.from({ length: 40 }, worker))
  await honest.check()
  expect({ failed, faults: attacked.faults }).toEqual({ failed: [], faults: [] })
  for (const status of [200, 400, 403, 404, 405, 415])
    expect(statuses.get(status), `${status}`).toBeGreaterThan(20)
  expect(gateway.registry.find('live/honest')?.state).toBe('ready')
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
})
