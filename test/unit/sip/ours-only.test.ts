/** Without a plain door in the configuration, free ports are for calls of ours: nobody else comes in by them. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sip } from '../../../src/adapters/sip/adapter.ts'
import { sipConfig } from '../../../src/adapters/sip/config.ts'
import { doorsOf } from '../../../src/adapters/sip/doors.ts'
import { checkSip } from '../../../src/cli/doctor/sip.ts'
import { parseConfig } from '../../../src/config/config.ts'
import { createScope } from '../../../src/core/scope.ts'
import { createTestContext } from '../../helpers/adapter-context.ts'
import { makeCertificates } from '../../helpers/certificates.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { pass, quietLog } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

const certificates = await makeCertificates()
afterAll(() => certificates[Symbol.asyncDispose]())

describe('which doors there are', () => {
  const doors = async (sip: object): Promise<string[]> => {
    const config = sipConfig.parse(parseConfig({ sip }).adapters.get('sip'))
    const scope = createScope('test')
    const found = await doorsOf({ scope, log: quietLog }, config, () => undefined)
    await scope.close({ code: 'shutdown' })
    return found.map(({ transport, oursOnly }) => `${transport}${oursOnly ? ' for us' : ''}`)
  }
  const tls = { listen: '127.0.0.1:5061', cert: certificates.cert, key: certificates.key }
  const ws = { listen: '127.0.0.1:5066' }
  const us = ['udp for us', 'tcp for us']

  test.for([
    ['nothing', {}, us],
    ['listen', { listen: ':5060' }, ['udp', 'tcp']],
    ['listen and tls', { listen: ':5060', tls }, ['udp', 'tcp', 'tls']],
    ['tls alone', { tls }, ['tls']],
    ['ws alone', { ws }, ['ws']],
    ['tls and ws', { tls, ws }, ['tls', 'ws']],
    ['a listener of tls', { listeners: [{ ...tls, transport: 'tls' }] }, ['tls']],
    ['tls and a plain provider', { tls, accounts: { pbx: { uri: 'sip:a@pbx.example' } } }, ['tls', ...us]],
    ['tls and a secure one', { tls, accounts: { pbx: { uri: 'sips:a@pbx.example' } } }, ['tls']],
    [
      'a secure proxy',
      { tls, trunks: { t: { uri: 'sip:a@b', proxy: 'sip:p.example;transport=tls' } } },
      ['tls'],
    ],
    ['tls and somebody whom we may call', { tls, outbound: { domains: ['192.0.2.1'] } }, ['tls', ...us]],
    [
      'a plain listener serves',
      { listeners: [{ listen: ':1' }], outbound: { domains: ['*'] } },
      ['udp', 'tcp'],
    ],
  ] as const)('%s', async ([, section, expected]) => {
    expect(await doors(section)).toEqual(expected)
  })

  test('trunks are listed before the first call, which opens what it leaves by', async () => {
    const context = createTestContext()
    const desk = sip.calls!(
      context,
      sipConfig.parse({ trunks: { carrier: { uri: 'sip:us@carrier.example' } } }),
    )
    expect(desk.accounts()).toMatchObject([{ name: 'carrier', state: 'trunk', calls: 0 }])
    await context.close()
  })

  test('doctor counts each', async () => {
    const said = async (over: object) => {
      const section = sipConfig.parse(parseConfig({ sip: over }).adapters.get('sip'))
      return (await checkSip(section, ['10.0.0.1'])).map(({ state, detail }) => `${state} ${detail}`)
    }
    const none =
      'ok no door for phones (sip.listen, tls, ws and listeners are not set), only calls of our own'
    const open = 'warn everybody who reaches the door may call 1'
    const routes = [{ called: '1', from: 'any' }]
    expect(await said({ routes })).toEqual([none])
    expect(await said({ routes, tls })).toEqual([open])
    expect(await said({ routes, ws: { listen: '10.0.0.1:5066' } })).toEqual([
      open,
      'warn phones that come to 10.0.0.1:5066 are told 10.0.0.1',
    ])
  })
})

describe('by a port of ours', () => {
  const [TRUNK, BOB, STRANGER] = ['10.0.0.2', '10.0.0.3', '10.0.0.4'] as const
  let clock: ManualClock
  let network: SipNetwork
  let gateway: TestBoard
  let peers: Record<string, RawPeer>

  beforeEach(async () => {
    clock = new ManualClock()
    network = new SipNetwork(clock)
    gateway = await openBoard(clock, network, {
      listen: null,
      trunks: { carrier: { uri: `sip:us@${TRUNK}` } },
      routes: [{ called: '/.*/', from: 'any', transfer: { to: [`@${STRANGER}`] } }],
      outbound: { domains: [BOB, STRANGER] },
    })
    const opened = [TRUNK, BOB, STRANGER].map(async ip => [ip, await RawPeer.open(network, ip, '-')])
    peers = Object.fromEntries(await Promise.all(opened))
  })
  afterEach(async () => {
    await Promise.all([gateway.close(), pass(clock, 1000, 50)])
  })

  /** The answers to one request. */
  const ask = async (ip: string, method: string, headers: string[] = []): Promise<number[]> => {
    const body = method === 'INVITE' ? phoneSdp(ip) : ''
    const { host, port } = gateway.board.addresses[0]!
    const id = `${ip}${method}${network.sent.length}`
    const lines = [
      `${method} sip:1000@10.0.0.1 SIP/2.0`,
      `Via: SIP/2.0/UDP ${ip}:5060;branch=z9hG4bK${id};rport`,
      `From: <sip:them@${ip}>;tag=x`,
      'To: <sip:1000@10.0.0.1>',
      `Call-ID: ${id}`,
      `CSeq: 1 ${method}`,
      `Contact: <sip:them@${ip}>`,
      'Max-Forwards: 70',
      ...headers,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
    ]
    network.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`), ip, 5060, `${host}:${port}`)
    await pass(clock, 100)
    return (peers[ip]?.responses ?? []).filter(({ callId }) => callId === id).map(({ code }) => code)
  }
  const refused = () => gateway.events.flatMap(event => (event.type === 'call:refused' ? [event.reason] : []))

  test('calls of strangers are refused although a rule admits them, and they are not told whether we are there', async () => {
    expect(await ask(STRANGER, 'INVITE')).toEqual([403])
    const detail = expect.stringMatching(/^udp port \d+ is for calls of ours only, not for new ones$/)
    expect(refused()).toEqual([{ code: 403, by: 'us', detail }])
    expect(await ask(STRANGER, 'OPTIONS')).toEqual([])
    expect(await ask(STRANGER, 'REGISTER')).toEqual([405])
    expect(gateway.board.calls.size).toBe(0)
  })

  test('a trunk may call, and ask whether we are there', async () => {
    expect(await ask(TRUNK, 'OPTIONS')).toEqual([200])
    expect(await ask(TRUNK, 'INVITE')).toContain(200)
    expect(gateway.board.calls.infos()).toMatchObject([{ account: 'carrier' }])
  })

  test('whom we call may ask whether we are there, and not call', async () => {
    const call = await gateway.board.dial({ to: `sip:bob@${BOB}` })
    await pass(clock, 100)
    expect(peers[BOB]?.requests.map(({ method }) => method)).toContain('INVITE')
    expect(await ask(BOB, 'OPTIONS')).toEqual([200])
    expect(await ask(BOB, 'INVITE')).toEqual([403])
    void call.end({ code: 0, by: 'us', detail: 'enough' })
  })

  test('whoever takes the place of a call of ours may', async () => {
    expect(await ask(TRUNK, 'INVITE')).toContain(200)
    const answer = peers[TRUNK]!.responses.at(-1)!
    const names = (toTag: string) => [`Replaces: ${answer.callId};to-tag=${toTag};from-tag=x`]
    expect(await ask(STRANGER, 'INVITE', names('nonsense'))).toEqual([403])
    expect(await ask(STRANGER, 'INVITE', names(answer.to.params.get('tag')!))).toContain(200)
  })
})
