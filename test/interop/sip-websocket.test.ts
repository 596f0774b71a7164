/** A softphone of the browser kind at a whole gateway: sip.js over ws: and wss:, with sound both ways. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import {
  type BodyAndContentType,
  Inviter,
  Registerer,
  type SessionDescriptionHandler,
  SessionState,
  UserAgent,
} from 'sip.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { makeCertificates, type TestCertificates } from '../helpers/certificates.ts'
import { until } from '../helpers/program.ts'
import { placeSipCall } from '../helpers/sip-caller.ts'
import { openUserAgent } from '../helpers/sip-user-agent.ts'

const free = { listen: { host: '127.0.0.1', port: 0 } }
const from = 'loopback'
const lines: string[] = []
let certificates: TestCertificates
let gateway: Gateway
beforeAll(async () => {
  certificates = await makeCertificates()
  const { ca, cert, key } = certificates
  const sip = {
    ...{ ...free, ws: free, listeners: [{ ...free, transport: 'wss', cert, key }], trust: { caFile: ca } },
    routes: [
      {
        ...{ called: 'web', from, publish: 'calls/web', hear: 'calls/wire', answer: 'at-once' },
        transfer: { to: ['@phone.example'] },
      },
      { called: 'wire', from, publish: 'calls/wire', hear: 'calls/web', answer: 'at-once' },
    ],
    outbound: { domains: ['127.0.0.1', 'localhost'] },
  }
  const log = createLogger({ level: 'info', format: 'json' }, { write: line => lines.push(line) })
  gateway = await createGateway({ http: free, rtmp: free, webrtc: free, sip }, { log })
  // The one of Node, which sip.js takes, knows no authority but those of the system.
  vi.stubGlobal(
    'WebSocket',
    class extends WebSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols, { ca: readFileSync(ca) })
      }
    },
  )
})
afterAll(async () => {
  vi.unstubAllGlobals()
  await gateway?.close()
  await certificates?.[Symbol.asyncDispose]()
})

const portOf = (door: string): number => gateway.doors.get(door)!.port
const live = () => gateway.calls.list().filter(({ state }) => state === 'live')
const mirrored: Record<string, string> = { sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' }

/** Plain RTP where a browser has WebRTC: one byte again and again, told from those of others. */
class Media implements SessionDescriptionHandler {
  readonly heard: number[] = []
  readonly descriptions: string[] = []
  readonly #socket: Socket = createSocket('udp4')
  readonly #say: number
  #timer: NodeJS.Timeout | undefined

  constructor(say: number) {
    this.#say = say
    this.#socket.on('message', bytes => void this.heard.push(bytes[12] ?? 0))
  }
  close(): void {
    clearInterval(this.#timer)
    this.#socket.close()
  }
  hasDescription(type: string): boolean {
    return type === 'application/sdp'
  }
  async getDescription(): Promise<BodyAndContentType> {
    if (this.#timer === undefined) {
      this.#socket.bind(0, '127.0.0.1')
      await once(this.#socket, 'listening')
    }
    const offered = /a=(sendonly|recvonly|inactive)/.exec(this.descriptions.at(-1) ?? '')?.[1] ?? ''
    const { port } = this.#socket.address()
    const session = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0']
    const audio = [`m=audio ${port} RTP/AVP 0`, `a=${mirrored[offered] ?? 'sendrecv'}`, '']
    return { body: [...session, ...audio].join('\r\n'), contentType: 'application/sdp' }
  }
  async setDescription(sdp: string): Promise<void> {
    this.descriptions.push(sdp)
    const port = Number(/^m=audio (\d+)/m.exec(sdp)?.[1])
    this.#timer ??= this.#send(port)
  }
  async rollbackDescription(): Promise<void> {}
  sendDtmf(): boolean {
    return false
  }

  #send(port: number): NodeJS.Timeout {
    const packet = Buffer.alloc(172, this.#say)
    packet.set([0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])
    let count = 0
    return setInterval(() => {
      packet.writeUInt16BE(++count & 0xffff, 2)
      packet.writeUInt32BE(count * 160, 4)
      this.#socket.send(packet, port, '127.0.0.1')
    }, 20)
  }
}

const phoneAt = async (server: string, say = 0x11): Promise<UserAgent> => {
  const phone = new UserAgent({
    uri: UserAgent.makeURI('sip:web@phone.example')!,
    transportOptions: { server },
    sessionDescriptionHandlerFactory: () => new Media(say),
    logBuiltinEnabled: false,
  })
  await phone.start()
  return phone
}
const callFrom = async (phone: UserAgent, extraHeaders: string[] = []): Promise<Inviter> => {
  const call = new Inviter(phone, UserAgent.makeURI('sip:web@gateway.example')!, { extraHeaders })
  await call.invite()
  await until('it is answered', () => call.state === SessionState.Established)
  return call
}
const mediaOf = (call: Inviter): Media => call.sessionDescriptionHandler as Media

describe.each([
  ['ws', 'sip-ws', '127.0.0.1'],
  ['wss', 'sip-wss', 'localhost'],
])('over %s:', (scheme, door, host) => {
  test('it calls and is heard, hears, is put on hold and resumed, and either end hangs up', async () => {
    const phone = await phoneAt(`${scheme}://${host}:${portOf(door)}`)
    const call = await callFrom(phone)
    const wire = await placeSipCall(portOf('sip'), 'wire')
    wire.say(0x22)
    await until('both hear each other', () => mediaOf(call).heard.includes(0x22) && wire.heard.includes(0x11))
    const { id, peer } = live().find(({ to }) => to.startsWith('sip:web@'))!
    expect(peer).toMatch(new RegExp(`^${scheme} 127\\.0\\.0\\.1:`))

    const told = () => /a=(send\w+|recv\w+)/.exec(mediaOf(call).descriptions.at(-1)!)?.[1]
    await gateway.calls.hold(id)
    expect(told()).toBe('sendonly')
    // While it does not have the ACK of the first it refuses the next with 500 (RFC 3261 14.2).
    const resume = () =>
      gateway.calls.unhold(id).then(
        () => true,
        () => false,
      )
    await until('it is resumed', resume)
    expect(told()).toBe('sendrecv')
    await gateway.calls.hangup(id)
    await until('the phone is told', () => call.state === SessionState.Terminated)

    const again = await callFrom(phone)
    await again.bye()
    await until('the gateway is told', () => live().length === 1)
    await Promise.all([wire.close(), phone.stop()])
    await until('nothing is left', () => live().length === 0)
  })
})

test('a phone whose connection broke goes on by another, and is found there', async () => {
  const phone = await phoneAt(`ws://127.0.0.1:${portOf('sip-ws')}`)
  const call = await callFrom(phone)
  const before = mediaOf(call).heard.length
  await phone.transport.disconnect()
  await phone.reconnect()
  await call.invite()
  await until('it hears on', () => mediaOf(call).heard.length > before)
  await gateway.calls.hangup(live()[0]!.id)
  await until('the phone is told', () => call.state === SessionState.Terminated)
  await phone.stop()
})

test('who was consulted takes the place of the first phone (attended transfer), and is heard in its stead', async () => {
  const server = `ws://127.0.0.1:${portOf('sip-ws')}`
  const [first, second] = await Promise.all([phoneAt(server), phoneAt(server, 0x33)])
  const call = await callFrom(first)
  const wire = await placeSipCall(portOf('sip'), 'wire')
  await until('the first is heard', () => wire.heard.includes(0x11))
  const { callId, localTag, remoteTag } = call.dialog!
  const replaces = `Replaces: ${callId};to-tag=${remoteTag};from-tag=${localTag}`
  const next = await callFrom(second, [replaces, 'Require: replaces'])
  await until('the first is told', () => call.state === SessionState.Terminated)
  await until('the second is heard', () => wire.heard.includes(0x33))
  await next.bye()
  await Promise.all([wire.close(), first.stop(), second.stop()])
  await until('nothing is left', () => live().length === 0)
})

test('there is no registrar, and no WebRTC: both are told', async () => {
  const phone = await phoneAt(`ws://127.0.0.1:${portOf('sip-ws')}`)
  const refused = Promise.withResolvers<number | undefined>()
  await new Registerer(phone).register({
    requestDelegate: { onReject: ({ message }) => refused.resolve(message.statusCode) },
  })
  expect(await refused.promise).toBe(405)

  const browser = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111']
  const more = ['c=IN IP4 0.0.0.0', 'a=fingerprint:sha-256 AA:BB', 'a=rtpmap:111 opus/48000/2', '']
  const body = [...browser, ...more].join('\r\n')
  vi.spyOn(Media.prototype, 'getDescription').mockResolvedValueOnce({ body, contentType: 'application/sdp' })
  const answer = Promise.withResolvers<readonly [code: number | undefined, why: string | undefined]>()
  const call = new Inviter(phone, UserAgent.makeURI('sip:web@gateway.example')!)
  await call.invite({
    requestDelegate: {
      onReject: ({ message }) => answer.resolve([message.statusCode, message.getHeader('Warning')]),
    },
  })
  expect(await answer.promise).toEqual([488, expect.stringContaining('UDP/TLS/RTP/SAVPF is not taken here')])
  await phone.stop()
})

test.each([
  ['a page that is not listed', 'sip', 'https://elsewhere.example', 403],
  ['a name that DNS says is ours', 'sip', 'http://gateway.example', 403],
  ['another subprotocol', 'chat', undefined, 400],
])('%s is refused, and told why', async (_what, protocol, origin, code) => {
  const host = origin === undefined ? '127.0.0.1' : new URL(origin).host
  const socket = new WebSocket(`ws://127.0.0.1:${portOf('sip-ws')}`, protocol, {
    headers: { Host: host, ...(origin && { Origin: origin }) },
  })
  const refused = Promise.withResolvers<IncomingMessage>()
  socket.on('unexpected-response', (_request, response) => refused.resolve(response))
  socket.on('open', () => refused.reject(new Error('it is open')))
  const response = await refused.promise
  expect(response.statusCode).toBe(code)
  expect(await text(response)).toContain(origin ?? 'the subprotocol is not sip')
  expect(lines.some(line => line.includes('was not let in'))).toBe(true)
  socket.on('error', () => undefined)
  socket.terminate()
})

describe('the gateway calls over WebSocket', () => {
  let peer: Signalling
  beforeAll(async () => {
    const certificate = { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) }
    const at = { host: '127.0.0.1', port: 0 }
    const addresses = [{ transport: 'ws', ...at } as const, { transport: 'wss', ...at, certificate } as const]
    peer = await openUserAgent({ addresses })
  })
  afterAll(() => peer?.close())

  test.each([
    ['ws', 0, 'sip:bob@127.0.0.1'],
    ['wss', 1, 'sips:bob@localhost'],
  ])('%s: a connection of its own, there and back', async (transport, index, to) => {
    const { port } = peer.addresses[index]!
    const call = await gateway.calls.dial({ to: `${to}:${port};transport=ws` })
    await until(
      () => `it is live: ${JSON.stringify(gateway.calls.get(call.id).reason)}`,
      () => gateway.calls.get(call.id).state === 'live',
    )
    expect(gateway.calls.get(call.id).peer).toBe(`${transport} 127.0.0.1:${port}`)
    await gateway.calls.hangup(call.id)
    await until('both are free', () => peer.stats().gauges.dialogs === 0)
    expect(peer.stats().gauges.connections).toBe(index + 1)
  })

  test.each([
    ['nobody listens', () => 9, '', /503|ECONNREFUSED/],
    ['something else answers', () => portOf('http'), '', /Unexpected server response/],
  ])('%s: the call says why it failed', async (_what, port, _path, why) => {
    const { id } = await gateway.calls.dial({ to: `sip:bob@127.0.0.1:${port()};transport=ws` })
    await until('it is over', () => gateway.calls.get(id).state === 'ended')
    expect(gateway.calls.get(id).reason?.detail).toMatch(why)
  })
})
