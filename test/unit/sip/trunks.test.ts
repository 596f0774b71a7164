import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, uri } from '../../helpers/sip-peer.ts'

const CARRIER = '10.0.0.2'
const body = { type: 'application/sdp', content: phoneSdp(CARRIER) }
let clock: ManualClock
let network: SipNetwork
let gateway: TestBoard
let carrier: Signalling

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  gateway = await openBoard(clock, network, {
    trunks: { carrier: { uri: `sip:us@${CARRIER}`, optionsEveryS: 30, maxCalls: 2 } },
    routes: [{ called: '/\\d+/', account: 'carrier' }],
    outbound: { numbers: ['+49'] },
  })
  carrier = await openPeer(clock, network, CARRIER)
})
afterEach(async () => {
  await Promise.all([gateway.close(), carrier.close(0), pass(clock, 2000, 50)])
})

const account = () => gateway.board.accounts()[0]!
const call = (from = carrier, headers: Record<string, string | string[]> = {}): { code: number } => {
  const told = { code: 0 }
  from.invite(
    { uri: uri('sip:30@10.0.0.1'), from: address('<sip:x@y>'), body, headers },
    {
      accepted: session => {
        told.code = 200
        session.listen({ ended: () => undefined })
      },
      rejected: ({ code }) => {
        told.code = code
      },
    },
  )
  return told
}

test('a trunk that is asked by OPTIONS is told of when it goes and when it is back', async () => {
  await pass(clock, 1000, 50)
  expect(account()).toMatchObject({ name: 'carrier', state: 'trunk', error: undefined })
  network.drop = () => true
  await pass(clock, 65_000, 250)
  expect(account().error).toMatch(/no answer to OPTIONS: 408/)
  network.drop = () => false
  await pass(clock, 40_000, 250)
  expect(account().error).toBeUndefined()
  expect(gateway.events.map(({ type }) => type)).toEqual(['account:changed', 'account:changed'])
})

test('calls of its address are its own, as many as it may have', async () => {
  const told = [call(), call(), call()]
  await pass(clock, 300)
  expect(told.map(({ code }) => code)).toEqual([200, 200, 486])
  expect(account().calls).toBe(2)
  const stranger = await openPeer(clock, network, '10.0.0.3')
  const refused = call(stranger)
  await pass(clock, 300)
  expect(refused.code).toBe(403)
  await Promise.all([stranger.close(0), pass(clock, 500, 50)])
})

test('our calls leave through it, if their number may be called', async () => {
  const from = `sip:+4930123@${CARRIER}`
  const made = await gateway.board.dial({ to: from })
  expect(made.info).toMatchObject({ account: 'carrier', from: `sip:us@${CARRIER}` })
  await expect(gateway.board.dial({ to: `sip:+1900@${CARRIER}` })).rejects.toMatchObject({
    code: 'forbidden',
  })
  const number = await gateway.board.dial({ to: 'tel:+49-30-124', account: 'carrier' })
  expect(number.info.to).toBe(`sip:+4930124@${CARRIER};user=phone`)
  await expect(gateway.board.dial({ to: `sip:+4930125@${CARRIER}` })).rejects.toMatchObject({
    code: 'busy',
  })
  await pass(clock, 500)
})

test('what it says of who calls is shown only where it is believed', async () => {
  const said = {
    'P-Asserted-Identity': '"Alice" <sip:+4930111@carrier.example>, <tel:+4930111>',
    Diversion: ['<sip:+4930222@a.example>;reason=no-answer', '<sip:+4930333@b.example>;reason=unconditional'],
  }
  call(carrier, said)
  await pass(clock, 300)
  const [doubted] = gateway.board.calls.infos()
  expect([doubted?.asserted, doubted?.diverted]).toEqual([undefined, undefined])
  await Promise.all([gateway.close(), pass(clock, 2000, 50)])

  gateway = await openBoard(clock, network, {
    trunks: { carrier: { uri: `sip:us@${CARRIER}`, trustIdentity: true } },
    routes: [{ called: '30', from: 'any' }],
  })
  const stranger = await openPeer(clock, network, '10.0.0.3')
  for (const from of [carrier, stranger]) call(from, said)
  call(carrier, { Diversion: 'nonsense' })
  await pass(clock, 300)
  const shown = gateway.board.calls
    .infos()
    .map(({ account, asserted, diverted }) => [account, asserted, diverted])
  const diverted = ['sip:+4930222@a.example', 'sip:+4930333@b.example']
  expect(shown).toHaveLength(3)
  expect(shown).toContainEqual(['carrier', 'sip:+4930111@carrier.example', diverted])
  expect(shown).toContainEqual(['carrier', undefined, undefined])
  expect(shown).toContainEqual([undefined, undefined, undefined])
  await Promise.all([stranger.close(0), pass(clock, 500, 50)])
})
