/** Several doors, each with its own address outside: what is told follows the door of the call. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sipConfig } from '../../../src/adapters/sip/config.ts'
import { doorsOf } from '../../../src/adapters/sip/doors.ts'
import type { SipResponse } from '../../../src/adapters/sip/message/types.ts'
import { chooseDoor } from '../../../src/adapters/sip/transport/choose-door.ts'
import { checkSip } from '../../../src/cli/doctor/sip.ts'
import { parseConfig } from '../../../src/config/config.ts'
import { createScope } from '../../../src/core/scope.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { pass, quietLog } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

const [INNER, UPLINK, OTHER] = ['10.0.0.1', '10.1.0.1', '10.2.0.1']
const section = {
  external: '198.51.100.1',
  listeners: [
    { listen: { host: UPLINK, port: 5060 }, external: '203.0.113.5:6060', local: ['10.1.0.0/16'] },
    { listen: { host: OTHER, port: 5070 }, external: null },
  ],
}

describe('a gateway with three doors', () => {
  let clock: ManualClock
  let network: SipNetwork
  let gateway: TestBoard
  beforeEach(async () => {
    clock = new ManualClock()
    network = new SipNetwork(clock)
    gateway = await openBoard(clock, network, {
      ...section,
      routes: [{ called: '1000', from: 'any' }],
      outbound: { domains: ['*'] },
    })
  })
  afterEach(async () => {
    await Promise.all([gateway.close(), pass(clock, 1000, 50)])
  })

  const answerTo = async (ip: string, host: string, port = 5060): Promise<SipResponse> => {
    const peer = await RawPeer.open(network, ip, host)
    const lines = [
      `INVITE sip:1000@${host} SIP/2.0`,
      `Via: SIP/2.0/UDP ${ip}:5060;branch=z9hG4bK${ip};rport`,
      `From: <sip:them@${ip}>;tag=x`,
      `To: <sip:1000@${host}>`,
      `Call-ID: ${ip}`,
      'CSeq: 1 INVITE',
      `Contact: <sip:them@${ip}>`,
      'Max-Forwards: 70',
      'Content-Type: application/sdp',
      `Content-Length: ${phoneSdp(ip).length}`,
    ]
    const bytes = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${phoneSdp(ip)}`)
    network.send(bytes, ip, 5060, `${host}:${port}`)
    await pass(clock, 50)
    expect(peer.codes).toContain(200)
    return peer.responses.at(-1)!
  }

  test.for([
    {
      name: 'the first has sip.external',
      from: '192.0.2.9',
      door: INNER,
      port: 5060,
      told: '198.51.100.1:5060',
    },
    {
      name: 'a local peer is told its own',
      from: '192.168.1.9',
      door: INNER,
      port: 5060,
      told: '10.0.0.1:5060',
    },
    { name: 'a listener has its own', from: '192.0.2.9', door: UPLINK, port: 5060, told: '203.0.113.5:6060' },
    { name: 'and its own inside', from: '10.1.2.3', door: UPLINK, port: 5060, told: '10.1.0.1:5060' },
    {
      name: 'whose is not everybody’s',
      from: '192.168.1.9',
      door: UPLINK,
      port: 5060,
      told: '203.0.113.5:6060',
    },
    { name: 'null is none', from: '192.0.2.9', door: OTHER, port: 5070, told: '10.2.0.1:5070' },
  ])('$name: Contact and SDP say so', async ({ from, door, port, told }) => {
    const { headers, body } = await answerTo(from, door!, port)
    const [host] = told.split(':')
    expect(headers.get('contact')).toBe(`<sip:1000@${told}>`)
    expect(body?.content).toMatch(new RegExp(`^o=.* IN IP4 ${host}\r$`, 'm'))
    expect(body?.content).toContain(`c=IN IP4 ${host}\r\n`)
    expect([...gateway.ports.opened].map(({ options }) => options.host)).toEqual([door])
  })

  test('what we say within a call leaves by the door that it came in by', async () => {
    const answer = await answerTo('192.0.2.9', UPLINK!)
    const peer = await RawPeer.open(network, '192.0.2.9', UPLINK!)
    const [call] = gateway.board.calls.infos()
    const toTag = answer.to.params.get('tag')
    peer.request({ method: 'ACK', callId: '192.0.2.9', fromTag: 'x', toTag })
    await pass(clock, 50)
    void gateway.board.calls.get(call!.id).end({ code: 0, by: 'us', detail: 'enough' })
    await pass(clock, 50)
    expect(peer.requests.map(({ method, via }) => [method, `${via.host}:${via.port}`])).toEqual([
      ['BYE', '203.0.113.5:6060'],
    ])
    expect(network.sent.find(({ text }) => text.startsWith('BYE'))?.from).toBe(`${UPLINK}:5060`)
  })

  test.for([
    { to: '10.1.2.3', told: '10.1.0.1:5060', from: `${UPLINK}:5060` },
    { to: '192.0.2.7', told: '198.51.100.1:5060', from: `${INNER}:5060` },
  ])('a call to $to leaves by $from, and says $told', async ({ to, told, from }) => {
    const peer = await RawPeer.open(network, to, INNER!)
    await gateway.board.dial({ to: `sip:bob@${to}` })
    await pass(clock, 50)
    const { headers, via, body } = peer.requests[0]!
    expect(network.sent.find(({ text }) => text.startsWith('INVITE'))?.from).toBe(from)
    expect(`${via.host}:${via.port}`).toBe(told)
    expect(headers.get('contact')).toBe(`<sip:crosspoint@${told}>`)
    expect(headers.get('from')).toContain(`@${told.split(':')[0]}>`)
    expect(body?.content).toContain(`c=IN IP4 ${told.split(':')[0]}\r\n`)
  })
})

test('a door on the network of whom it calls comes before others; one for some does not serve all', () => {
  const udp = (host: string, leadsTo?: (ip: string) => boolean) =>
    ({ transport: 'udp', host, port: 5060, ...(leadsTo && { leadsTo }) }) as const
  const to = (ip: string) => ({ transport: 'udp', ip, port: 5060, name: ip }) as const
  const inner = udp('10.0.0.1', ip => ip.startsWith('10.'))
  expect(chooseDoor([udp('192.0.2.1'), udp('127.0.0.1')], to('127.0.0.9'))).toBe(1)
  expect(chooseDoor([inner, udp('192.0.2.1')], to('198.51.100.9'))).toBe(1)
  expect(chooseDoor([udp('192.0.2.1'), inner], to('10.9.9.9'))).toBe(1)
  expect(chooseDoor([inner], to('198.51.100.9'))).toBe(0)
  expect(chooseDoor([inner, udp('192.0.2.1')], to('10.9.9.9'), 1)).toBe(1)
  expect(chooseDoor([inner], to('2001:db8::1'))).toBe(-1)
  // By another transport: at the address of the wanted one.
  const tcp = (host: string) => ({ transport: 'tcp', host, port: 5060 }) as const
  const four = [udp('192.0.2.1'), udp('192.0.2.2'), tcp('192.0.2.1'), tcp('192.0.2.2')]
  expect(chooseDoor(four, { ...to('198.51.100.9'), transport: 'tcp' }, 1)).toBe(3)
})

describe('in a file', () => {
  const doors = async (sip: object) => {
    const config = parseConfig({ sip }).adapters.get('sip')
    const context = { scope: createScope('test'), log: quietLog }
    const found = await doorsOf(context, sipConfig.parse(config), () => undefined)
    return found.map(({ transport, host, port, external }) => {
      return [
        transport,
        `${host}:${port}`,
        external && [external.host, external.port].filter(Boolean).join(' '),
      ]
    })
  }

  test('addresses are written as everywhere, an external one with or without a port', async () => {
    const listeners = [
      { listen: ':5062', external: '203.0.113.5' },
      { listen: '[::1]:5062', transport: 'tcp', external: '[2001:db8::5]:6060' },
      { listen: '10.0.0.1:0', transport: ['ws'], external: null },
      { listen: '[::]:5064', transport: 'udp' },
      { listen: '0.0.0.0:5064', transport: 'udp' },
    ]
    expect(await doors({ listen: null, external: '198.51.100.1', listeners })).toEqual([
      ['udp', '0.0.0.0:5062', '203.0.113.5'],
      ['tcp', '0.0.0.0:5062', '203.0.113.5'],
      ['tcp', '::1:5062', '2001:db8::5 6060'],
      ['ws', '10.0.0.1:0', undefined],
      ['udp', ':::5064', undefined],
      ['udp', '0.0.0.0:5064', '198.51.100.1'],
    ])
  })

  test.for([
    [{ listen: ':1', external: 'gate.example' }, /external: is not an IP address, with or without a port/],
    [{ listen: ':1', transport: 'tls' }, /needs cert and key for tls and wss/],
    [{ listen: ':1', transport: 'tls', cert: 'a.pem' }, /needs both cert and key/],
    [{ external: '203.0.113.5' }, /listen/],
    [{ listen: ':1', outside: '203.0.113.5' }, /outside/],
  ] as const)('%o is refused by name', ([listener, why]) => {
    expect(() => parseConfig({ sip: { listeners: [listener] } })).toThrow(why)
  })

  test('doctor looks at each', async () => {
    const base = { listen: null, routes: [{ called: '1', from: ['10.0.0.0/8'] }], accounts: {}, trunks: {} }
    const listeners = [
      { listen: { host: '0.0.0.0', port: 5060 }, external: '203.0.114.9' },
      { listen: { host: '10.0.0.1', port: 5070 } },
      { listen: { host: '10.0.0.1', port: 5080 }, external: null },
    ]
    const found = await checkSip({ ...base, listeners }, ['10.0.0.1'])
    expect(found.map(({ state, detail }) => `${state} ${detail}`)).toEqual([
      'ok 1 rules, 0 registrations',
      'ok phones that come to *:5060 elsewhere are told 203.0.114.9',
      'warn phones that come to 10.0.0.1:5070 are told 10.0.0.1',
      'ok phones that come to 10.0.0.1:5080 are told 10.0.0.1',
    ])
    expect(found[2]?.mend).toContain('sip.listeners.1.external')
  })
})
