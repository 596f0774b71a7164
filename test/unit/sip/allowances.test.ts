/** Floods with somebody else's address: what cannot be forged has an allowance of its own. */
import { createSocket } from 'node:dgram'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digestHash, digestResponse } from '../../../src/adapters/sip/digest/hash.ts'
import { HeaderList } from '../../../src/adapters/sip/message/header-list.ts'
import type { SipRequest } from '../../../src/adapters/sip/message/types.ts'
import { Allowances } from '../../../src/adapters/sip/server/allowances.ts'
import type { Signalling, SignallingOptions } from '../../../src/adapters/sip/signalling.ts'
import type { Flow } from '../../../src/adapters/sip/transport/flow.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { until } from '../../helpers/program.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'
import { openUserAgent } from '../../helpers/sip-user-agent.ts'

const [OURS, TRUNK, OTHER] = ['10.0.0.1', '10.0.0.9', '10.0.0.8']
let clock: ManualClock
let network: SipNetwork
beforeEach(() => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
})

/** Calls and is signed, from another port of that address. */
const callFrom = async (ip: string, called: string, port = 5070): Promise<number> => {
  const peer = await openPeer(clock, network, ip, { addresses: [{ transport: 'udp', host: ip, port }] })
  let code = 0
  peer.invite(
    {
      uri: uri(`sip:${called}@${OURS}`),
      from: address('<sip:x@y>'),
      body: { type: 'application/sdp', content: phoneSdp(ip) },
      credentials: { user: 'bob', password: 'secret' },
    },
    {
      accepted: session => {
        code = 200
        session.listen({ ended: () => undefined })
      },
      rejected: ({ code: refused }) => {
        code = refused
      },
    },
  )
  await pass(clock, 100)
  return code
}

describe('new requests', () => {
  let ours: Signalling
  const limits = { requestsPerSecond: 10, burst: 20 }
  const open = async (options: Partial<SignallingOptions> = {}): Promise<void> => {
    ours = await openPeer(clock, network, OURS!, {
      limits,
      screen: ({ uri: { user } }) =>
        user === 'signed'
          ? { action: 'challenge', realm: 'lab', secretOf: () => ({ password: 'secret' }) }
          : { action: 'admit' },
      onInvite: invite => void invite.accept(sdp('answer')),
      ...options,
    })
  }
  afterEach(async () => {
    await Promise.all([ours.close(0), pass(clock, 500, 50)])
  })
  const options = (peer: RawPeer, branch?: string): void =>
    peer.request({ method: 'OPTIONS', callId: branch ?? `${Math.random()}`, ...(branch && { branch }) })
  const flood = async (peer: RawPeer, count = 100): Promise<void> => {
    for (let i = 0; i < count; i++) options(peer)
    await pass(clock, 5)
  }

  test('whoever signs is asked to, and let in, while its address is flooded', async () => {
    await open()
    const forger = await RawPeer.open(network, TRUNK!, OURS!)
    await flood(forger)
    expect(forger.codes.filter(code => code === 200)).toHaveLength(20)
    expect(forger.codes.filter(code => code === 503)).toHaveLength(20)
    expect(await callFrom(TRUNK!, 'open')).toBe(0)
    expect(await callFrom(TRUNK!, 'signed', 5072)).toBe(200)
    expect(await callFrom(OTHER!, 'open')).toBe(200)
  })

  test('a nonce that was sent elsewhere shows nothing', async () => {
    await open()
    const forger = await RawPeer.open(network, TRUNK!, OURS!)
    const elsewhere = await RawPeer.open(network, OTHER!, OURS!)
    elsewhere.request({ method: 'INVITE', uri: `sip:signed@${OURS}`, body: 'v=0\r\n' })
    await pass(clock, 20)
    const nonce = /nonce="([^"]+)"/.exec(elsewhere.responses[0]!.headers.get('www-authenticate')!)![1]
    const signed = `Authorization: Digest username="bob", realm="lab", nonce="${nonce}", uri="sip:x", response="0"`
    for (let i = 0; i < 30; i++) forger.request({ method: 'OPTIONS', callId: `${i}`, headers: [signed] })
    for (let i = 0; i < 30; i++) elsewhere.request({ method: 'OPTIONS', callId: `${i}`, headers: [signed] })
    await pass(clock, 20)
    expect(ours.stats().refused.rate).toBe(20)
    options(forger)
    options(elsewhere)
    await pass(clock, 20)
    // Its nonce has used up an allowance of its own; that of the address is as it was.
    expect([forger.codes.at(-1), elsewhere.codes.at(-1)]).toEqual([503, 200])
  })

  test('what is sent again is answered as before and does not count, but not for ever', async () => {
    await open()
    const peer = await RawPeer.open(network, TRUNK!, OURS!)
    for (let i = 0; i < 12; i++) options(peer, 'z9hG4bKsame')
    for (let i = 0; i < 19; i++) options(peer)
    await pass(clock, 5)
    expect(peer.codes).toEqual(Array(31).fill(200))
    options(peer, 'z9hG4bKlate')
    options(peer, 'z9hG4bKlate')
    options(peer, 'z9hG4bKsame')
    await pass(clock, 5)
    expect(peer.codes.slice(31)).toEqual([503, 503, 503])
  })

  test('what differs in anything is no copy', async () => {
    let calls = 0
    await open({
      onInvite: invite => {
        calls++
        invite.reject(486)
      },
    })
    const peer = await RawPeer.open(network, TRUNK!, OURS!)
    const same = { method: 'INVITE', branch: 'z9hG4bKsame', body: 'v=0\r\n' }
    for (let i = 0; i < 100; i++) {
      const via = `Via: SIP/2.0/UDP ${TRUNK}:5060;branch=z9hG4bKsame;rport`
      peer.request({ ...same, fromTag: `${i}` }, text =>
        text.replace(via, via.replace('5060', `${6000 + i}`)),
      )
    }
    await pass(clock, 5)
    expect(calls).toBe(20)
  })

  test('who signs with the nonce of another address is asked for its own', async () => {
    const admitted: string[] = []
    await open({ onInvite: ({ request }) => void admitted.push(request.callId) })
    const forger = await RawPeer.open(network, TRUNK!, OURS!)
    const elsewhere = await RawPeer.open(network, OTHER!, OURS!)
    const invite = { method: 'INVITE', uri: `sip:signed@${OURS}`, body: 'v=0\r\n' }
    elsewhere.request(invite)
    await pass(clock, 20)
    await flood(forger)
    const nonce = /nonce="([^"]+)"/.exec(elsewhere.responses[0]!.headers.get('www-authenticate')!)![1]!
    const response = digestResponse({
      ...{ algorithm: 'MD5', ha1: digestHash('MD5', 'bob:lab:secret') },
      ...{ method: 'INVITE', uri: invite.uri, nonce },
    })
    const signed = `Authorization: Digest username="bob", realm="lab", nonce="${nonce}", uri="${invite.uri}", response="${response}"`
    forger.request({ ...invite, callId: 'signed', headers: [signed] })
    await pass(clock, 20)
    expect(forger.codes.at(-1)).toBe(401)
    expect(admitted).toEqual([])
  })

  test('allowances are whose the options say, and as large', async () => {
    await open({
      allowanceOf: (_request, { ip }) => (ip === OTHER ? undefined : { of: 'trunk', perSecond: 1, burst: 3 }),
    })
    const [one, two, other] = await Promise.all(
      [TRUNK, '10.0.0.7', OTHER].map(ip => RawPeer.open(network, ip!, OURS!)),
    )
    for (let i = 0; i < 2; i++) for (const peer of [one!, two!, other!]) options(peer)
    await pass(clock, 5)
    expect([one, two, other].map(peer => peer!.codes)).toEqual([
      [200, 200],
      [200, 503],
      [200, 200],
    ])
  })
})

test('a flood of forged addresses gives nobody a new allowance', () => {
  const allowances = new Allowances({
    ...{ clock, digest: { wasGivenTo: () => false }, allowanceOf: undefined },
    limits: { requestsPerSecond: 1, burst: 5 },
  })
  const request = { method: 'OPTIONS', rawUri: 'sip:x@y', headers: new HeaderList() } as SipRequest
  const from = (ip: string, reliable: boolean) => allowances.admit(request, { ip, reliable } as Flow)
  for (let i = 0; i < 6; i++) from(TRUNK!, true)
  for (let i = 0; i < 20_001; i++) from(`10.1.${i >> 8}.${i & 255}`, false)
  expect(from(TRUNK!, true)).toBe('answer')
})

test('a connection has its own while datagrams of its address are too many', async () => {
  const refused: string[] = []
  const ours = await openUserAgent({
    addresses: [
      { transport: 'udp', host: '127.0.0.1', port: 0 },
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    limits: { requestsPerSecond: 1, burst: 5 },
    onRefused: (_cause, _source, detail) => void refused.push(detail),
  })
  const [udp, tcp] = ours.addresses
  const socket = createSocket('udp4')
  const lines = (i: number): string[] => [
    `OPTIONS sip:x@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${i};rport`,
    'From: <sip:x@y>;tag=1',
    'To: <sip:x@y>',
    `Call-ID: ${i}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    'Content-Length: 0',
  ]
  for (let i = 0; i < 20; i++) socket.send(`${lines(i).join('\r\n')}\r\n\r\n`, udp!.port, '127.0.0.1')
  await until('they are too many', () => ours.stats().refused.rate > 0)
  expect(refused).toContain('more than 1 new requests a second of 127.0.0.1, shown by address')
  const peer = await openUserAgent()
  const to = uri(`sip:x@127.0.0.1:${tcp!.port};transport=tcp`)
  const { response } = await peer.request({ method: 'OPTIONS', uri: to, from: address('<sip:x@y>') })
  expect(response.code).toBe(200)
  socket.close()
  await Promise.all([ours.close(), peer.close()])
})

describe('a trunk', () => {
  let gateway: TestBoard
  const open = async (trunk: object): Promise<void> => {
    gateway = await openBoard(clock, network, {
      trunks: { carrier: { uri: `sip:us@${TRUNK}`, ...trunk } },
      routes: [
        { called: '1000', account: 'carrier', publish: 'a/{callId}' },
        { called: '2000', account: 'carrier', auth: { user: 'bob', password: 'secret' } },
      ],
      limits: { newCallsPerSource: 100, callsPerSource: 3 },
    })
  }
  afterEach(async () => {
    await Promise.all([gateway.close(), pass(clock, 1000, 50)])
  })
  const forge = async (count: number): Promise<RawPeer> => {
    const forger = await RawPeer.open(network, TRUNK!, OURS!)
    for (let i = 0; i < count; i++)
      forger.request({ method: 'INVITE', callId: `forged${i}`, fromTag: `${i}`, body: phoneSdp(TRUNK!) })
    await pass(clock, 100)
    return forger
  }

  test.each([
    ['maxCalls', { maxCalls: 2 }, 486],
    ['callsPerSource', {}, 503],
  ])('calls that nobody acknowledges do not fill %s for who signs', async (_cap, trunk, code) => {
    await open(trunk)
    const forger = await forge(4)
    expect(forger.codes).toContain(code)
    expect(await callFrom(TRUNK!, '1000')).toBe(code)
    expect(await callFrom(TRUNK!, '2000', 5072)).toBe(200)
  })

  test('calls that were acknowledged do', async () => {
    await open({ maxCalls: 2 })
    expect(await callFrom(TRUNK!, '1000', 5070)).toBe(200)
    expect(await callFrom(TRUNK!, '1000', 5072)).toBe(200)
    expect(await callFrom(TRUNK!, '2000', 5074)).toBe(486)
  })

  test('has as many new calls as it is given', async () => {
    await open({ newCalls: 1 })
    const forger = await forge(8)
    expect(forger.codes.filter(code => code === 100)).toHaveLength(3)
    expect(gateway.board.counters().refused_rate).toBe(4)
  })
})
