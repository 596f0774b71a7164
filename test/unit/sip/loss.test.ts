import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/adapters/sip/session.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { createRandom } from '../../helpers/random.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'

const calls = 60

/** Sixty calls at once over a network that loses a quarter each way: how many were set up and hung up on both sides. */
const callThroughLoss = async (seed: number, reliable: boolean) => {
  const clock = new ManualClock()
  const network = new SipNetwork(clock)
  const random = createRandom(seed)
  network.drop = () => random(4) === 0
  const sessions: Session[] = []
  const counts = { answered: 0, acknowledged: 0, ended: 0 }
  const ended = () => counts.ended++
  const callee = await openPeer(clock, network, '10.0.0.2', {
    onInvite: invite => {
      if (reliable) invite.progress(183, { body: sdp('early') })
      else invite.progress(180)
      const session = invite.accept(sdp('answer'))
      session?.listen({ acknowledged: () => counts.acknowledged++, ended })
    },
  })
  const caller = await openPeer(clock, network, '10.0.0.1')
  for (let i = 0; i < calls; i++) {
    const options = { uri: uri(`sip:${i}@10.0.0.2`), from: address('<sip:me@10.0.0.1>'), body: sdp('offer') }
    caller.invite(options, {
      accepted: session => {
        counts.answered++
        session.listen({ ended })
        sessions.push(session)
      },
      rejected: () => undefined,
    })
  }
  await pass(clock, 32_000, 250)
  for (const session of sessions) session.bye()
  await pass(clock, 100_000, 500)
  return { counts, gauges: [caller.stats().gauges, callee.stats().gauges], network, pending: clock.pending }
}

describe.each([false, true])(
  'a quarter of the datagrams lost each way (reliable responses: %s)',
  reliable => {
    test.each([1, 2, 3])('all calls are set up and hung up, seed %i', async seed => {
      const { counts, gauges, network, pending } = await callThroughLoss(seed, reliable)
      expect(counts).toEqual({ answered: calls, acknowledged: calls, ended: 2 * calls })
      for (const gauge of gauges) {
        expect(gauge).toMatchObject({ serverTransactions: 0, clientTransactions: 0, dialogs: 0 })
      }
      expect(pending).toBe(0)
      const lost = network.sent.filter(datagram => datagram.lost).length / network.sent.length
      expect(lost).toBeGreaterThan(0.2)
    })
  },
)
