/** How callers are asked to sign, as the configuration says. */
import { afterEach, expect, test } from 'vitest'
import { sipConfig } from '../../../src/adapters/sip/config.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, uri } from '../../helpers/sip-peer.ts'

const routes = [{ called: '1', auth: { user: 'bob', password: 'secret' } }]

let clock: ManualClock
let gateway: TestBoard
afterEach(async () => {
  await Promise.all([gateway.close(), pass(clock, 2000, 50)])
})

test.each<[challenge: string[] | undefined, asked: string[]]>([
  [undefined, ['MD5']],
  [
    ['SHA-256', 'MD5'],
    ['SHA-256', 'MD5'],
  ],
  [['SHA-256'], ['SHA-256']],
])('challenge: %j', async (challenge, asked) => {
  clock = new ManualClock()
  const network = new SipNetwork(clock)
  gateway = await openBoard(clock, network, { routes, ...(challenge && { challenge }) })
  const peer = await openPeer(clock, network, '10.0.0.2')
  const told: string[] = []
  peer.invite(
    {
      uri: uri('sip:1@10.0.0.1'),
      from: address('<sip:bob@10.0.0.2>'),
      credentials: { user: 'bob', password: 'secret' },
      body: { type: 'application/sdp', content: phoneSdp('10.0.0.2') },
    },
    { accepted: () => told.push('accepted'), rejected: ({ code }) => told.push(String(code)) },
  )
  await pass(clock, 200)
  expect(told).toEqual(['accepted'])
  const refusal = network.sent.find(({ text }) => text.startsWith('SIP/2.0 401'))!
  expect([...refusal.text.matchAll(/algorithm=([\w-]+)/g)].map(([, name]) => name)).toEqual(asked)
  const signed = network.sent.findLast(({ text }) => text.startsWith('INVITE'))!
  expect(signed.text).toContain(`algorithm=${asked[0]}`)
  await Promise.all([peer.close(0), pass(clock, 100)])
})

test.each([[['MD5', 'MD5']], [[]], [['SHA-512']]])('challenge: %j is no configuration', challenge => {
  expect(sipConfig.safeParse({ challenge }).success).toBe(false)
})

test('a call that is refused after its signature is told of like any other', async () => {
  clock = new ManualClock()
  const network = new SipNetwork(clock)
  gateway = await openBoard(clock, network, { routes: [{ ...routes[0], maxCalls: 1 }] })
  const peer = await openPeer(clock, network, '10.0.0.2')
  const told: string[] = []
  for (const _ of [1, 2]) {
    peer.invite(
      {
        uri: uri('sip:1@10.0.0.1'),
        from: address('<sip:bob@10.0.0.2>'),
        credentials: { user: 'bob', password: 'secret' },
        body: { type: 'application/sdp', content: phoneSdp('10.0.0.2') },
      },
      { accepted: () => told.push('accepted'), rejected: ({ code }) => told.push(String(code)) },
    )
    await pass(clock, 200)
  }
  expect(told).toEqual(['accepted', '486'])
  const refused = gateway.events.filter(({ type }) => type === 'call:refused')
  expect(refused).toMatchObject([{ reason: { code: 486, detail: 'the rule has 1 calls' } }])
  await Promise.all([peer.close(0), pass(clock, 100)])
})
