/**
 * Requests that kill or fool other servers of live streams, aimed at our HTTP port over real sockets. Beside them runs
 * an honest stream whose player gets every byte and nothing else.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Gateway } from '../../src/gateway.ts'
import { type AttackedGateway, openAttackedGateway } from '../helpers/attacked-gateway.ts'
import type { HonestStream } from '../helpers/honest-stream.ts'
import { httpRequest, sayHttp, type WireAnswer, type WireOptions } from '../helpers/http-wire.ts'
import { until } from '../helpers/program.ts'
import { openSocket } from '../helpers/rtmp-socket.ts'
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

/** After each attack the gateway answers, the honest stream goes on, and nothing of ours has failed. */
afterEach(async () => {
  honest.send(20)
  await honest.check()
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  expect(attacked.faults).toEqual([])
  expect(readdirSync(attacked.folder)).toEqual([])
})

const say = (bytes: Uint8Array, options: WireOptions = {}): Promise<WireAnswer> =>
  sayHttp(port, bytes, { patienceMs: 2_000, ...options })
const json = { 'content-type': 'application/json' }
const sdp = { 'content-type': 'application/sdp' }

describe('what is no request', () => {
  test.each<[string, Buffer]>([
    ['random bytes', randomBytes(100_000)],
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an RTMP hello', Buffer.concat([Buffer.of(3), randomBytes(1536)])],
    ['an HTTP/2 preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['a header without an end of 100 KB', Buffer.from(`GET / HTTP/1.1\r\nx: ${'a'.repeat(100_000)}`)],
    ['ten thousand headers', Buffer.from(`GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(10_000)}\r\n`)],
    ['a path of 100 KB', Buffer.from(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)],
    [
      'two lengths of one body',
      httpRequest(
        'POST /v1/bridges',
        { ...json, 'content-length': '4', 'transfer-encoding': 'chunked' },
        '0\r\n\r\nGET /v1/streams HTTP/1.1\r\nhost: x\r\n\r\n',
      ),
    ],
    [
      'a length that is no number',
      httpRequest('POST /v1/bridges', { ...json, 'content-length': '0x10' }, '{}'),
    ],
    ['a negative length', httpRequest('POST /v1/bridges', { ...json, 'content-length': '-1' }, '{}')],
    [
      'chunks that are none',
      httpRequest('POST /v1/bridges', { ...json, 'transfer-encoding': 'chunked' }, 'zz\r\n{}'),
    ],
    ['line breaks in a header', Buffer.from('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: a\rb\r\n\r\n')],
  ])('%s is refused or hung up on', async (_, bytes) => {
    const { status, closed } = await say(bytes, { toTheEnd: true, patienceMs: 5_000 })
    expect(closed).toBe(true)
    if (status !== undefined) expect([400, 413, 431]).toContain(status)
  })
})

describe('paths', () => {
  test.each([
    'GET /bad!/x.flv',
    'GET /../../etc/passwd.flv',
    'GET /%2e%2e%2f%2e%2e%2fetc%2fpasswd.flv',
    'GET /live/%00.flv',
    'GET /live/a%0d%0aset-cookie:%20x.flv',
    'GET /live/%ff%fe.flv',
    'GET /live/%.flv',
    'GET //evil.example/x.flv',
    'GET /live/honest%2f..%2fhonest.flv',
    'GET /.flv',
    'GET /assets/..%2f..%2f..%2fpackage.json',
    'GET /assets/%2e%2e/index.html',
    'GET /v1/streams/%2e%2e%2f%2e%2e',
    'GET /v1/streams/live%2Fhonest%00',
    'DELETE /v1/recordings/..%2f..%2fetc%2fpasswd',
    'GET /v1/recordings/%2fetc%2fpasswd',
    'POST /live/honest.flv',
    'PUT /live/honest.flv',
    'TRACE /',
    'CONNECT evil.example:80',
  ])('%s', async line => {
    const { status = 0, text } = await say(httpRequest(line))
    expect([0, 400, 403, 404, 405, 501]).toContain(status)
    expect(text).not.toContain('root:')
    expect(text.toLowerCase()).not.toMatch(/^set-cookie:/m)
  })
})

describe('bodies', () => {
  const post = (path: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array) =>
    say(httpRequest(`POST ${path}`, headers, body))

  test('an FLV upload over HTTP publishes nothing', async () => {
    const flv = Buffer.from('464c5601050000000900000000' + '09000000000000000000000000000b', 'hex')
    for (const body of [flv, randomBytes(100_000), Buffer.concat([flv, randomBytes(100_000)])]) {
      const { status } = await post('/live/evil.flv', { 'content-type': 'video/x-flv' }, body)
      expect(status).toBe(405)
    }
    expect(gateway.registry.list().map(({ name }) => name)).toEqual(['live/honest'])
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['an array', '[]'],
    ['a hundred thousand brackets', '['.repeat(100_000)],
    ['a prototype', '{"__proto__":{"from":"stream:live/honest","to":["file:x.flv"]}}'],
    ['a constructor', '{"constructor":{"prototype":{"polluted":1}},"from":"a","to":["b"]}'],
    ['numbers', '{"from":1e999,"to":[-0]}'],
    ['a thousand destinations', JSON.stringify({ from: 'stream:x', to: Array(1000).fill('file:x.flv') })],
    ['half a surrogate', '{"from":"stream:\\ud800","to":["file:x.flv"]}'],
    ['a file outside', '{"from":"stream:live/honest","to":["file:../../../../tmp/pwned.flv"]}'],
    ['another file outside', '{"from":"file:///etc/passwd","to":["file:x.flv"]}'],
    ['a scheme that runs programs', '{"from":"exec:id","to":["file:x.flv"]}'],
    ['an option', '{"from":"-i","to":["-y"]}'],
  ])('a bridge of %s is refused', async (_, body) => {
    const { status } = await post('/v1/bridges', json, body)
    expect([400, 403, 413]).toContain(status)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(gateway.bridges.list()).toEqual([])
  })

  test('a body that is too large is refused before it is there', async () => {
    const { status } = await say(httpRequest('POST /v1/bridges', { ...json, 'content-length': '1000000000' }))
    expect(status).toBe(413)
    const endless = await say(Buffer.alloc(0), {
      toTheEnd: true,
      write: socket => {
        socket.write(httpRequest('POST /whip/live/evil', { ...sdp, 'transfer-encoding': 'chunked' }))
        for (let index = 0; index < 40; index++) socket.write(`10000\r\n${'a'.repeat(65_536)}\r\n`)
      },
    })
    expect(endless.text).toMatch(/^HTTP\/1.1 413/)
  })

  const offer = new TestPeer({ direction: 'sendonly' }).offer
  test.each<[string, string]>([
    ['nothing', ''],
    ['no SDP', 'v=1\r\nhello'],
    ['no fingerprint', offer.replace(/^a=fingerprint.*\r\n/gm, '')],
    ['no password', offer.replace(/^a=ice-pwd.*\r\n/gm, '')],
    ['a thousand media lines', offer + offer.slice(offer.indexOf('m=')).repeat(500)],
    ['a line of 200 KB', `${offer}a=x:${'y'.repeat(200_000)}\r\n`],
    ['payload types beyond all numbers', offer.replaceAll('96', '99999999999')],
  ])('an offer with %s is refused, or ends when it is told to', async (_, body) => {
    const { status, text } = await post('/whip/live/evil', sdp, body)
    expect([201, 400, 406, 413, 415]).toContain(status)
    const location = /^location: (.*)\r$/im.exec(text)?.[1]
    expect(location !== undefined).toBe(status === 201)
    if (location !== undefined) expect((await say(httpRequest(`DELETE ${location}`))).status).toBe(200)
    expect(gateway.registry.find('live/evil')).toBeUndefined()
  })

  test('a WHIP publisher of a live name is refused', async () => {
    const { status } = await post('/whip/live/honest', sdp, offer)
    expect(status).toBe(409)
  })
})

describe('who asks', () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    ['a foreign name (DNS rebinding)', { host: 'evil.example' }],
    ['two ports', { host: '127.0.0.1:1:2' }],
    ['no name', { host: '' }],
  ])('a request for %s is refused', async (_, headers) => {
    const { status } = await say(httpRequest('GET /v1/streams', headers))
    expect([400, 403]).toContain(status)
  })

  test('a foreign page may neither change anything nor listen to events', async () => {
    const origin = 'https://evil.example'
    const bridge = '{"from":"stream:live/honest","to":["file:x.flv"]}'
    expect((await say(httpRequest('POST /v1/bridges', { ...json, origin }, bridge))).status).toBe(403)
    expect(
      (await say(httpRequest('POST /v1/bridges', { 'content-type': 'text/plain' }, bridge))).status,
    ).toBe(400)
    const { status, text } = await say(httpRequest('GET /v1/streams', { origin }))
    expect(status).toBe(200)
    expect(text).not.toMatch(/access-control-allow-origin/i)
    expect((await say(httpRequest('GET /v1/events/ws', { ...upgrade, origin }))).status).toBe(403)
  })
})

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const openWebSocket = async (): Promise<Socket> => {
  const socket = await openSocket(port)
  let text = ''
  socket.on('error', () => undefined)
  socket.on('data', bytes => {
    text += bytes.toString('latin1')
  })
  socket.write(httpRequest('GET /v1/events/ws', upgrade))
  await until('it is a WebSocket', () => text.startsWith('HTTP/1.1 101'))
  return socket
}

describe('WebSockets', () => {
  test.each(['/', '/bad!/x', '/live/honest.flv', '/v1/bridges', '/v1/events/ws/..', '/v1/events/ws%00'])(
    'none is at %s',
    async path => {
      const { status } = await say(httpRequest(`GET ${path}`, upgrade))
      expect([400, 404]).toContain(status)
    },
  )

  test.each<[string, Readonly<Record<string, string>>]>([
    ['no key', { 'sec-websocket-key': '' }],
    ['a bad key', { 'sec-websocket-key': 'short' }],
    ['another version', { 'sec-websocket-version': '99' }],
    ['a foreign host', { host: 'evil.example' }],
  ])('one with %s is refused', async (_, headers) => {
    const { status } = await say(httpRequest('GET /v1/events/ws', { ...upgrade, ...headers }))
    expect([400, 403, 426]).toContain(status)
  })

  test.each<[string, Buffer]>([
    ['random bytes', randomBytes(10_000)],
    ['a message without a mask', Buffer.from('8105hello')],
    ['a message of 2^63 bytes', Buffer.from('81ff7fffffffffffffff00000000', 'hex')],
    ['a message of 5 KB', Buffer.concat([Buffer.from('81fe140000000000', 'hex'), Buffer.alloc(5120)])],
    ['a control frame in pieces', Buffer.from('090000000000', 'hex')],
    ['reserved bits', Buffer.from('f18000000000', 'hex')],
    ['text that is no UTF-8', Buffer.from('818200000000fffe', 'hex')],
    ['a close code that is none', Buffer.from('8882000000000001', 'hex')],
  ])('one that says %s is closed', async (_, bytes) => {
    const socket = await openWebSocket()
    socket.write(bytes)
    await until('it is hung up on', () => socket.destroyed)
  })

  test('a hundred that go without a word leave nothing', async () => {
    const before = gateway.events.readers
    const sockets = await Promise.all(Array.from({ length: 100 }, openWebSocket))
    expect(gateway.events.readers).toBe(before + 100)
    for (const socket of sockets) socket.resetAndDestroy()
    await until('all are gone', () => gateway.events.readers === before)
  })
})

describe('many', () => {
  test('a thousand requests in one write are answered in their order', async () => {
    const requests = Buffer.concat(Array.from({ length: 1000 }, () => httpRequest('GET /healthz')))
    const last = httpRequest('GET /nothing', { connection: 'close' })
    const { text } = await say(Buffer.concat([requests, last]), { toTheEnd: true, patienceMs: 15_000 })
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)
    expect(statuses).toEqual([...Array(1000).fill('200'), '404'])
  })

  test('three hundred connections that say nothing, or little at a time, keep nobody out', async () => {
    const sockets = await Promise.all(Array.from({ length: 300 }, () => openSocket(port)))
    for (const [index, socket] of sockets.entries()) {
      socket.on('error', () => undefined)
      if (index % 2 === 0) socket.write('GET /v1/streams HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ')
    }
    honest.send(10)
    await honest.check()
    for (let round = 0; round < 20; round++)
      expect((await fetch(`http://127.0.0.1:${port}/v1/streams`)).status).toBe(200)
    for (const socket of sockets) socket.destroy()
  })

  test('viewers that come and break off within their request leave nothing', async () => {
    const request = httpRequest('GET /live/honest.flv')
    for (let round = 0; round < 100; round++) {
      const socket = await openSocket(port)
      socket.on('error', () => undefined)
      socket.write(request)
      if (round % 2 === 0) await new Promise(resolve => setImmediate(resolve))
      socket.resetAndDestroy()
    }
    honest.send(5)
    await until('only the honest player is left', () => {
      honest.send(1)
      return gateway.registry.find('live/honest')?.subscribers.length === 1
    })
  })
})
