/** TCP, TLS and WebSocket on loopback. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { parseMessage } from '../../../src/adapters/sip/message/parse-message.ts'
import type { SipRequest, SipResponse } from '../../../src/adapters/sip/message/types.ts'
import type { Rejection } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { Session } from '../../../src/adapters/sip/session.ts'
import type { Signalling, TraceEntry } from '../../../src/adapters/sip/signalling.ts'
import { makeCertificates, type TestCertificates } from '../../helpers/certificates.ts'
import { until } from '../../helpers/program.ts'
import { address, uri } from '../../helpers/sip-peer.ts'
import { audio, listenAsPhone, openUserAgent } from '../../helpers/sip-user-agent.ts'

let certificates: TestCertificates
let phone: Signalling
let caller: Signalling
let trace: TraceEntry[]

const port = (transport: string): number => phone.addresses.find(door => door.transport === transport)!.port

beforeAll(async () => {
  certificates = await makeCertificates()
  const certificate = { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) }
  const host = '127.0.0.1'
  const udp = { transport: 'udp', host, port: 0 } as const
  phone = await openUserAgent({
    addresses: [
      udp,
      { transport: 'tcp', host, port: 0 },
      { transport: 'tls', host, port: 0, certificate },
      { transport: 'ws', host, port: 0 },
    ],
    limits: { connectionsPerSource: 8 },
  })
  trace = []
  caller = await openUserAgent({
    addresses: [udp, { transport: 'tcp', host, port: 0 }],
    ca: readFileSync(certificates.ca),
    trace: entry => trace.push(entry),
  })
})
afterAll(async () => {
  await Promise.all([phone.close(), caller.close()])
  await certificates[Symbol.asyncDispose]()
})

const call = (target: string, headers: Record<string, string> = {}): Promise<Session> =>
  new Promise((resolve, reject) => {
    caller.invite(
      { uri: uri(target), from: address('<sip:me@127.0.0.1>'), body: audio(), headers },
      {
        accepted: session => {
          listenAsPhone(session)
          resolve(session)
        },
        rejected: (why: Rejection) => reject(new Error(`${why.code} ${why.detail}`)),
      },
    )
  })

const firstLines = (): string[] =>
  trace.map(({ transport, bytes }) => `${transport} ${bytes.toString().split(' ')[0]}`)

describe('calls', () => {
  test('by TCP: every request goes by one connection', async () => {
    trace.length = 0
    const session = await call(`sip:1000@127.0.0.1:${port('tcp')};transport=tcp`)
    expect((await session.reinvite(audio())).code).toBe(200)
    session.bye()
    await until('the BYE was answered', () => caller.stats().gauges.dialogs === 0)
    expect(new Set(firstLines().map(line => line.split(' ')[0]))).toEqual(new Set(['tcp']))
    expect(caller.stats().gauges.connections).toBe(1)
    expect(phone.stats().gauges.dialogs).toBe(0)
  })

  test('a phone that hangs up uses the connection of the call', async () => {
    const before = phone.stats().gauges.connections
    const session = await call(`sip:brief@127.0.0.1:${port('tcp')};transport=tcp`)
    await until('it hung up', () => session.ended)
    expect(phone.stats().gauges.connections).toBe(before)
  })

  test('by TLS, when the certificate is for the name', async () => {
    const session = await call(`sip:1000@localhost:${port('tls')};transport=tls`)
    expect(session.source).toMatchObject({ transport: 'tls', port: port('tls') })
    session.bye()
  })

  test('not by TLS to a name that the certificate does not bear', async () => {
    const other = await openUserAgent({
      ca: readFileSync(certificates.ca),
      resolver: {
        resolveNaptr: async () => [],
        resolveSrv: async () => [],
        lookup: async () => [{ address: '127.0.0.1', family: 4 }],
      },
    })
    const { response } = await other.request({
      method: 'OPTIONS',
      uri: uri(`sips:trunk.example:${port('tls')}`),
      from: address('<sip:me@127.0.0.1>'),
    })
    expect(response.code).toBe(503)
    await other.close()
  })
})

describe('long requests', () => {
  const long = { 'X-Long': 'x'.repeat(1400) }

  test('go by TCP, with the Contact of UDP', async () => {
    trace.length = 0
    const session = await call(`sip:1000@127.0.0.1:${port('tcp')}`, long)
    const [invite] = trace as [TraceEntry]
    expect(invite.transport).toBe('tcp')
    expect(invite.bytes.toString()).toContain('Via: SIP/2.0/TCP ')
    expect(invite.bytes.toString()).toContain(`Contact: <sip:me@127.0.0.1:${caller.addresses[0]!.port}>`)
    session.bye()
  })

  test('go by UDP after all where nobody takes TCP', async () => {
    trace.length = 0
    const session = await call(`sip:1000@127.0.0.1:${port('udp')}`, long)
    const [invite] = trace as [TraceEntry]
    expect(invite.transport).toBe('udp')
    expect(invite.bytes.length).toBeGreaterThan(1300)
    session.bye()
  })
})

describe('peers that misbehave', () => {
  test('a stream that is no SIP is closed', async () => {
    const socket = connect(port('tcp'), '127.0.0.1')
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await closed
  })

  test('one address cannot take all connections', async () => {
    const sockets = Array.from({ length: 12 }, () => connect(port('tcp'), '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => undefined)
    await until('the rest is closed', () => sockets.filter(({ closed }) => closed).length >= 4)
    for (const socket of sockets) socket.destroy()
    await until('all are forgotten', () => phone.stats().gauges.connections <= 2)
  })

  test('a ping is answered', async () => {
    const socket = connect(port('tcp'), '127.0.0.1')
    socket.write('\r\n\r\n')
    const pong = await new Promise(resolve => socket.once('data', resolve))
    expect(String(pong)).toBe('\r\n')
    socket.destroy()
  })
})

describe('WebSocket', () => {
  test('a browser calls, and is hung up by its own connection', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port('ws')}`, 'sip')
    await new Promise(resolve => socket.once('open', resolve))
    const messages: (SipRequest | SipResponse)[] = []
    socket.on('message', (data: Buffer) => {
      const message = parseMessage(data)
      if (!('malformed' in message)) messages.push(message)
    })
    const lines = (method: string, toTag: string) => [
      `${method} sip:brief@gate.example SIP/2.0`,
      `Via: SIP/2.0/WS abc.invalid;branch=z9hG4bK${method}`,
      'From: <sip:web@gate.example>;tag=w',
      `To: <sip:brief@gate.example>${toTag}`,
      'Call-ID: ws-call',
      `CSeq: 1 ${method}`,
      'Contact: <sip:web@abc.invalid;transport=ws>',
    ]
    const { type, content } = audio()
    socket.send([...lines('INVITE', ''), `Content-Type: ${type}`, '', content].join('\r\n'))
    const find = (what: string) =>
      messages.find(
        message =>
          ('method' in message ? `${'code' in message ? message.code : message.method}` : '') === what,
      )
    await until('it is answered', () => find('200') !== undefined)
    const tag = find('200')!.to.params.get('tag')
    socket.send([...lines('ACK', `;tag=${tag}`), '', ''].join('\r\n'))
    await until('it is hung up', () => find('BYE') !== undefined)
    socket.close()
  })

  test('without the subprotocol nobody gets in', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port('ws')}`)
    const error = await new Promise<Error>(resolve => socket.once('error', resolve))
    expect(error.message).toContain('400')
  })
})
