/** Two phones that do whatever they like, whenever, over a network that loses: every call ends once on both sides, and nothing stays. */
import { expect, test } from 'vitest'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { OutgoingInvite } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { Session } from '../../../src/adapters/sip/session.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { createRandom, type Random } from '../../helpers/random.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, sdp, uri } from '../../helpers/sip-peer.ts'

class Party {
  readonly invites: IncomingInvite[] = []
  readonly sessions: Session[] = []
  readonly dialled: OutgoingInvite[] = []
  outcomes = 0
  ended = 0
  readonly host: string
  readonly #random: Random
  signalling!: Signalling

  constructor(host: string, random: Random) {
    this.host = host
    this.#random = random
  }

  take(session: Session | undefined): void {
    if (session === undefined) return
    this.sessions.push(session)
    session.listen({
      offered: offer => (this.#random(4) === 0 ? offer.reject(488) : offer.accept(sdp('taken'))),
      ended: () => this.ended++,
    })
  }

  #any<T>(from: readonly T[]): T | undefined {
    return from[this.#random(from.length)]
  }

  act(other: Party): void {
    const choice = this.#random(10)
    if (choice === 0) this.#dial(other)
    else if (choice === 1) this.#any(this.dialled)?.cancel()
    else if (choice === 2) this.#any(this.invites)?.progress(180)
    else if (choice === 3) this.#any(this.invites)?.progress(183, { body: sdp('early'), reliable: true })
    else if (choice === 4) this.#accept()
    else if (choice === 5) this.#any(this.invites)?.reject(486)
    else if (choice === 6) this.#any(this.sessions)?.bye()
    else if (choice === 7) void this.#any(this.sessions)?.reinvite(sdp('again'))
    else if (choice === 8) void this.#any(this.sessions)?.update(sdp('again'))
    else void this.#any(this.sessions)?.info({ type: 'text/plain', content: 'x' })
  }

  #dial(other: Party): void {
    const late = this.#random(4) === 0
    const out = { uri: uri(`sip:x@${other.host}`), from: address(`<sip:me@${this.host}>`) }
    const invite = this.signalling.invite(late ? out : { ...out, body: sdp('offer') }, {
      provisional: ({ answer }) => answer?.(sdp('answer')),
      accepted: session => {
        this.outcomes++
        this.take(session)
        if (late) session.acknowledge(sdp('answer'))
      },
      rejected: () => this.outcomes++,
    })
    this.dialled.push(invite)
  }

  #accept(): void {
    const invite = this.#any(this.invites)
    if (invite?.state === 'ringing') this.take(invite.accept(sdp('answer')))
  }

  finish(): void {
    for (const invite of this.dialled) invite.cancel()
    for (const invite of this.invites) invite.reject(480)
    for (const session of this.sessions) session.bye()
  }
}

const run = async (seed: number): Promise<void> => {
  const random = createRandom(seed)
  const clock = new ManualClock()
  const network = new SipNetwork(clock)
  const loss = random(3) === 0 ? 0 : random(30)
  network.drop = () => random(100) < loss
  const parties = [new Party('10.0.0.1', random), new Party('10.0.0.2', random)] as const
  for (const party of parties) {
    party.signalling = await openPeer(
      clock,
      network,
      party.host,
      { onInvite: invite => party.invites.push(invite) },
      { random: () => random(1000) / 1000 },
    )
  }
  for (let step = 0; step < 60; step++) {
    parties[random(2) as 0 | 1].act(parties[random(2) as 0 | 1])
    if (random(2) === 0) await pass(clock, random(5) === 0 ? random(20_000) : random(200), 100)
  }
  for (let i = 0; i < 3; i++) {
    for (const party of parties) party.finish()
    await pass(clock, 100_000, 500)
  }
  for (const party of parties) {
    expect(party.outcomes, `seed ${seed}: outcomes`).toBe(party.dialled.length)
    expect(party.ended, `seed ${seed}: ends`).toBe(party.sessions.length)
    expect(party.invites.filter(({ state }) => state === 'ringing')).toEqual([])
    const { serverTransactions, clientTransactions, dialogs } = party.signalling.stats().gauges
    expect([serverTransactions, clientTransactions, dialogs], `seed ${seed}: left over`).toEqual([0, 0, 0])
  }
  expect(clock.pending, `seed ${seed}: timers`).toBe(0)
}

test.each([0, 1, 2, 3, 4, 5, 6, 7])('forty runs from %i', { timeout: 60_000 }, async from => {
  for (let seed = 0; seed < 40; seed++) await run(400 + from * 40 + seed)
})
