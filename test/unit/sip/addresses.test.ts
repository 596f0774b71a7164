/** What we say of where we are, and how everything ends. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { beforeEach, describe, expect, test } from 'vitest'
import { isUnreachable } from '../../../src/adapters/sip/dialog/nat.ts'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import { formatNameAddr } from '../../../src/adapters/sip/message/name-addr.ts'
import { parseVia } from '../../../src/adapters/sip/message/via.ts'
import type { Rejection } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { Session, SessionEnd } from '../../../src/adapters/sip/session.ts'
import type { Flow } from '../../../src/adapters/sip/transport/flow.ts'
import { LocalHost } from '../../../src/adapters/sip/transport/local-host.ts'
import { makeCertificates } from '../../helpers/certificates.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { freePort } from '../../helpers/program.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'
import { openUserAgent } from '../../helpers/sip-user-agent.ts'

let clock: ManualClock
let network: SipNetwork

beforeEach(() => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
})

const external = { host: 'gate.example', port: 15060 }

describe('our own address', () => {
  test('Via and Contact name the external one, in calls out and in', async () => {
    const peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.1')
    const ours = await openPeer(clock, network, '10.0.0.1', {
      addresses: [{ transport: 'udp', host: '10.0.0.1', port: 5060, external }],
      onInvite: invite => invite.accept(sdp('answer')),
    })
    const options = { uri: uri('sip:x@10.0.0.9'), from: address('<sip:me@gate.example>'), body: sdp('offer') }
    ours.invite(options, { accepted: () => undefined, rejected: () => undefined })
    peer.request({ method: 'INVITE', body: 'v=0\r\n' })
    await pass(clock, 20)
    const { headers } = peer.requests[0]!
    expect(headers.get('via')).toMatch(
      /^SIP\/2\.0\/UDP gate\.example:15060;branch=z9hG4bK[0-9a-f]{20};rport$/,
    )
    expect(headers.get('contact')).toBe('<sip:me@gate.example:15060>')
    expect(peer.responses.at(-1)!.headers.get('contact')).toBe('<sip:1000@gate.example:15060>')
    expect(formatNameAddr(ours.contact(0, 'bob'))).toBe('<sip:bob@gate.example:15060>')
    expect(ours.hostTowards(ours.addresses[0]!, '10.0.0.9')).toBe('gate.example')
  })

  test('of a wildcard it is the one that leads to the peer', () => {
    const local = new LocalHost(() => 0)
    const bound = { transport: 'udp', host: '0.0.0.0', port: 5060 } as const
    expect(local.towards(bound, '127.0.0.1')).toBe('127.0.0.1')
    expect(local.towards({ ...bound, host: '10.1.2.3' }, '127.0.0.1')).toBe('10.1.2.3')
    expect(local.towards({ ...bound, external: { host: 'x' } }, '127.0.0.1')).toBe('x')
  })

  test('IPv6 is written in brackets, and works', async () => {
    const addresses = [{ transport: 'udp', host: '::1', port: 0 }] as const
    const [a, b] = await Promise.all([openUserAgent({ addresses }), openUserAgent({ addresses })])
    const { response, source } = await a.request({
      method: 'OPTIONS',
      uri: uri(`sip:[::1]:${b.addresses[0]!.port}`),
      from: address('<sip:me@[::1]>'),
    })
    expect(response.code).toBe(200)
    expect(response.headers.get('via')).toContain(`SIP/2.0/UDP [::1]:${a.addresses[0]!.port};branch`)
    expect(source?.ip).toBe('::1')
    const over4 = await a.request({
      method: 'OPTIONS',
      uri: uri('sip:127.0.0.1'),
      from: address('<sip:me@a>'),
    })
    expect(over4).toMatchObject({ response: { code: 503 }, detail: expect.stringContaining('with IPv4') })
    await Promise.all([a.close(), b.close()])
  })

  test('every interface of IPv4 and of IPv6 are two doors, which may have one port, over UDP and TCP', async () => {
    const port = await freePort()
    const doors = (hosts: readonly string[], at: number) =>
      hosts.flatMap(host => (['udp', 'tcp'] as const).map(transport => ({ transport, host, port: at })))
    const ours = await openUserAgent({ addresses: doors(['0.0.0.0', '::'], port) })
    const peer = await openUserAgent({ addresses: doors(['127.0.0.1', '::1'], 0) })
    for (const host of ['127.0.0.1', '[::1]'])
      for (const transport of ['udp', 'tcp']) {
        const from = address(`<sip:me@${host}>`)
        const to = uri(`sip:${host}:${port};transport=${transport}`)
        const { response } = await peer.request({ method: 'OPTIONS', uri: to, from })
        expect([host, transport, response.code]).toEqual([host, transport, 200])
      }
    await Promise.all([ours.close(), peer.close()])
  })

  test('a port that nobody can have is told at once', async () => {
    const ours = await openUserAgent({
      resolver: {
        resolveNaptr: async () => [],
        resolveSrv: async () => [{ name: 'a', port: 0, priority: 1, weight: 1 }],
        lookup: async () => [{ address: '127.0.0.1', family: 4 }],
      },
    })
    const from = address('<sip:me@127.0.0.1>')
    const { detail } = await ours.request({
      method: 'OPTIONS',
      uri: uri('sip:trunk.example;transport=udp'),
      from,
    })
    expect(detail).toBe('udp 127.0.0.1:0: port 0')
    await ours.close()
  })

  test('a datagram that the system does not take is told at once', async () => {
    const ours = await openUserAgent()
    const { response, detail } = await ours.request({
      method: 'OPTIONS',
      uri: uri('sip:255.255.255.255'),
      from: address('<sip:me@127.0.0.1>'),
    })
    expect(response.code).toBe(503)
    expect(detail).toMatch(/^udp 255\.255\.255\.255:5060: send E/)
    await ours.close()
  })

  test('a port that is taken is told', async () => {
    const first = await openUserAgent()
    const taken = { transport: 'udp', host: '127.0.0.1', port: first.addresses[0]!.port } as const
    await expect(openUserAgent({ addresses: [taken] })).rejects.toMatchObject({ code: 'port-in-use' })
    await first.close()
  })
})

describe('a peer behind a NAT', () => {
  const source = (ip: string) => ({ ip, port: 1 }) as Flow
  test.each([
    ['sip:a@192.168.1.5', 'SIP/2.0/UDP 192.168.1.5', '203.0.113.9', true],
    ['sip:a@10.0.0.5', undefined, '203.0.113.9', true],
    ['sip:a@203.0.113.9:5070', undefined, '203.0.113.9', false],
    ['sip:a@10.0.0.5', undefined, '10.0.0.6', false],
    ['sip:a@10.0.0.5', 'SIP/2.0/UDP 10.0.0.5', '10.0.0.6', true],
    ['sip:a@198.51.100.1', undefined, '203.0.113.9', false],
    ['sip:a@198.51.100.1', 'SIP/2.0/UDP 198.51.100.1', '203.0.113.9', true],
    ['sip:a@abc.invalid', undefined, '203.0.113.9', true],
    ['sip:a@phone.example', undefined, '203.0.113.9', false],
    ['sip:a@[fd00::5]', undefined, '2001:db8::1', true],
  ])('%s, Via %s, from %s: unreachable %s', (contact, via, ip, expected) => {
    const top = via === undefined ? undefined : parseVia(via)
    expect(isUnreachable(uri(contact), top, source(ip))).toBe(expected)
  })

  test('gets requests of the call where its own come from', async () => {
    const invites: IncomingInvite[] = []
    await openPeer(clock, network, '203.0.113.1', { onInvite: invite => invites.push(invite) })
    const lines = (method: string, cseq: number, toTag = '') => [
      `${method} sip:x@203.0.113.1 SIP/2.0`,
      `Via: SIP/2.0/UDP 192.168.1.5:5060;rport;branch=z9hG4bK${method}`,
      'From: <sip:a@b>;tag=1',
      `To: <sip:x@203.0.113.1>${toTag}`,
      'Call-ID: 1',
      `CSeq: ${cseq} ${method}`,
      'Contact: <sip:a@192.168.1.5:5060>',
      'Content-Length: 0',
    ]
    const say = (...parts: Parameters<typeof lines>): void =>
      network.send(
        Buffer.from(`${lines(...parts).join('\r\n')}\r\n\r\n`),
        '203.0.113.9',
        40_001,
        '203.0.113.1:5060',
      )
    say('INVITE', 1)
    await pass(clock, 10)
    const session = invites[0]!.accept(sdp('offer'))!
    say('ACK', 1, `;tag=${session.localTag}`)
    await pass(clock, 10)
    session.bye()
    await pass(clock, 10)
    const bye = network.sent.find(({ text }) => text.startsWith('BYE'))!
    expect(bye.to).toBe('203.0.113.9:40001')
    expect(bye.text).toMatch(/^BYE sip:a@192\.168\.1\.5:5060 SIP/)
  })
})

test('a long ring is kept alive each minute', async () => {
  const peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.2')
  await openPeer(clock, network, '10.0.0.2', { onInvite: invite => invite.progress(180) })
  peer.request({ method: 'INVITE', body: 'v=0\r\n' })
  await pass(clock, 185_000, 1000)
  expect(peer.codes).toEqual([100, 180, 180, 180, 180])
})

test('at the end calls are hung up, those that ring are refused or taken back', async () => {
  const invites: IncomingInvite[] = []
  const ours = await openPeer(clock, network, '10.0.0.1', { onInvite: invite => invites.push(invite) })
  await openPeer(clock, network, '10.0.0.2', { onInvite: invite => invite.progress(180) })
  const peer = await RawPeer.open(network, '10.0.0.9', '10.0.0.1')
  const [ends, whys]: [SessionEnd[], Rejection[]] = [[], []]
  const out = { uri: uri('sip:x@10.0.0.2'), from: address('<sip:me@10.0.0.1>'), body: sdp('offer') }
  ours.invite(out, { accepted: () => undefined, rejected: why => whys.push(why) })
  for (const callId of ['up', 'ringing']) peer.request({ method: 'INVITE', callId, body: 'v=0\r\n' })
  await pass(clock, 20)
  const session: Session = invites[0]!.accept(sdp('answer'))!
  session.listen({ ended: end => ends.push(end) })
  await pass(clock, 10)
  peer.request({ method: 'ACK', callId: 'up', toTag: session.localTag })
  await pass(clock, 10)
  const closed = ours.close(500)
  await pass(clock, 20)
  peer.request({ method: 'INVITE', callId: 'late', body: 'v=0\r\n' })
  await pass(clock, 600)
  await closed
  expect(ends).toEqual([{ cause: 'local' }])
  expect(peer.methods()).toContain('BYE')
  expect(whys).toMatchObject([{ code: 487 }])
  const refused = peer.responses.filter(({ code }) => code === 503).map(({ callId }) => callId)
  expect(new Set(refused)).toEqual(new Set(['ringing', 'late']))
})

test('a certificate that was renewed is shown from the next connection on', async () => {
  await using certificates = await makeCertificates()
  const read = () => ({ cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) })
  const ours = await openUserAgent({
    addresses: [{ transport: 'tls', host: '127.0.0.1', port: 0, certificate: read() }],
  })
  const serial = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: ours.addresses[0]!.port, ca: readFileSync(certificates.ca) }
      const socket = connect(options, () => {
        resolve(socket.getPeerCertificate().serialNumber)
        socket.destroy()
      })
      socket.once('error', reject)
    })
  const before = await serial()
  const renewed = await certificates.renew()
  ours.renew(0, read())
  expect(await serial()).toBe(renewed)
  expect(renewed).not.toBe(before)
  await ours.close()
})

test('a keep-alive is an empty line to the target', async () => {
  const ours = await openPeer(clock, network, '10.0.0.1')
  ours.keepAlive({ transport: 'udp', ip: '10.0.0.9', port: 5060, name: '10.0.0.9' })
  await pass(clock, 10)
  expect(network.sent).toMatchObject([{ text: '\r\n\r\n', to: '10.0.0.9:5060' }])
})
