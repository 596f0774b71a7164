/** Whose requests get no answer any more, and whose always do: over UDP anybody may write another's address. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Refusals } from '../../../src/adapters/sip/refusals.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, quietLog, uri } from '../../helpers/sip-peer.ts'
import { RawPeer } from '../../helpers/sip-raw.ts'

const PEER = '10.0.0.2'
const MOST = 5
const auth = { user: 'bob', password: 'secret' }
const section = {
  routes: [
    { called: '1000', from: 'any', auth, publish: 'calls/{callId}' },
    { called: '2000', from: 'any', publish: 'calls/{callId}' },
  ],
  limits: { refusalsPerSource: MOST },
  codecs: ['pcmu'],
}

let clock: ManualClock
let network: SipNetwork
let gateway: TestBoard
let peer: Signalling

const open = async (more: object = {}): Promise<void> => {
  gateway = await openBoard(clock, network, { ...section, ...more })
}

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  peer = await openPeer(clock, network, PEER)
})
afterEach(async () => {
  await Promise.all([gateway.close(), peer.close(0), pass(clock, 2000, 50)])
})

/** The code of the answer; undefined: there was none, or only the first of an answered call. */
const call = async (user: string, password?: string): Promise<number | undefined> => {
  let code: number | undefined
  const invite = peer.invite(
    {
      uri: uri(`sip:${user}@10.0.0.1`),
      from: address(`<sip:bob@${PEER}>`),
      body: { type: 'application/sdp', content: phoneSdp(PEER) },
      ...(password !== undefined && { credentials: { user: 'bob', password } }),
    },
    {
      accepted: () => {
        code = 200
      },
      rejected: rejection => {
        code = rejection.code
      },
    },
  )
  await pass(clock, 200)
  if (code === undefined) invite.cancel()
  return code
}
const callTimes = async (times: number, ...about: Parameters<typeof call>): Promise<void> => {
  for (let i = 0; i < times; i++) await call(...about)
}

test('whoever is asked for a password, however often, is answered', async () => {
  await open()
  await callTimes(3 * MOST, '1000')
  expect(gateway.board.refusals.dropped).toBe(0)
  expect(await call('1000', 'secret')).toBe(200)
})

test('whoever guesses passwords is answered no more', async () => {
  await open()
  await callTimes(MOST - 1, '1000', 'wrong')
  expect(await call('1000', 'wrong')).toBe(403)
  expect(await call('1000', 'secret')).toBeUndefined()
  expect(gateway.board.refusals.dropped).toBeGreaterThan(0)
})

test('a trunk is answered, whatever was sent in its name', async () => {
  await open({ trunks: { carrier: { uri: `sip:us@${PEER}` } } })
  await callTimes(2 * MOST, '1000', 'wrong')
  for (let i = 0; i < 2 * MOST; i++) {
    const asked = { method: 'NOTIFY', uri: uri('sip:x@10.0.0.1'), from: address(`<sip:bob@${PEER}>`) }
    void peer.request(asked)
    await pass(clock, 200)
  }
  expect(await call('2000')).toBe(200)
  expect(gateway.board.refusals.dropped).toBe(0)
})

test('whoever is in a call is answered, and is as anybody else after it', async () => {
  await open()
  expect(await call('2000')).toBe(200)
  await callTimes(2 * MOST, '777')
  expect(await call('777')).toBe(404)
  for (const each of gateway.board.calls.values()) void each.end({ code: 0, by: 'us', detail: 'enough' })
  await pass(clock, 200)
  await callTimes(MOST, '777')
  expect(await call('777')).toBeUndefined()
})

const forge = async (times: number): Promise<RawPeer> => {
  const forger = await RawPeer.open(network, PEER, '10.0.0.1')
  for (let i = 0; i < times; i++) {
    forger.request({ method: 'INVITE', uri: 'sip:777@10.0.0.1', callId: `forged${i}`, body: phoneSdp(PEER) })
    await pass(clock, 200)
  }
  return forger
}

test('whoever can sign is answered, whatever others write in its name', async () => {
  await open()
  await peer.close(0)
  const forger = await forge(2 * MOST)
  expect(forger.codes).toEqual(Array(MOST).fill(404))
  forger.request({ method: 'INVITE', uri: 'sip:2000@10.0.0.1', callId: 'open', body: phoneSdp(PEER) })
  await pass(clock, 200)
  expect(forger.codes).toHaveLength(MOST)
  peer = await openPeer(clock, network, PEER, { addresses: [{ transport: 'udp', host: PEER, port: 5070 }] })
  expect(await call('1000', 'secret')).toBe(200)
})

test('guesses with a nonce of another address are not looked at once there were too many', async () => {
  await open()
  await peer.close(0)
  const forger = await forge(MOST)
  const guess =
    'Digest username="bob", realm="crosspoint", nonce="a.b.c.d", uri="sip:1000@10.0.0.1", response="0"'
  forger.request({
    ...{ method: 'INVITE', uri: 'sip:1000@10.0.0.1', callId: 'guess', body: phoneSdp(PEER) },
    headers: [`Authorization: ${guess}`],
  })
  await pass(clock, 200)
  expect(forger.responses.at(-1)!.headers.get('www-authenticate')).toContain('stale=true')
})

test('a flood of forged addresses drives out nobody who guessed passwords', () => {
  const refusals = new Refusals({
    ...{ clock, log: quietLog, most: () => MOST },
    ...{ spares: () => false, onRefused: () => undefined },
  })
  for (let i = 0; i < MOST; i++) refusals.blame(PEER, true)
  for (let i = 0; i < 20_000; i++) refusals.blame(`10.1.${i >> 8}.${i & 255}`, false)
  expect(refusals.drops(PEER, true)).toBe(true)
  expect(refusals.drops(PEER, false)).toBe(false)
})
