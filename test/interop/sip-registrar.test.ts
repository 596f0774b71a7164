/** Registrations at a real registrar and proxy (Kamailio), and calls through it both ways. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TransportKind } from '../../src/adapters/sip/addresses.ts'
import { accountSchema } from '../../src/adapters/sip/config/account.ts'
import { createSignalling } from '../../src/adapters/sip/create-signalling.ts'
import type { IncomingInvite } from '../../src/adapters/sip/incoming-invite.ts'
import { noParams } from '../../src/adapters/sip/message/params.ts'
import { formatUri, parseUri } from '../../src/adapters/sip/message/uri.ts'
import { Registrations, registeredAccount } from '../../src/adapters/sip/registration/registrations.ts'
import type { Session } from '../../src/adapters/sip/session.ts'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/types.ts'
import { type Kamailio, startKamailio } from '../helpers/kamailio.ts'
import { until } from '../helpers/program.ts'
import { quietLog, sdp } from '../helpers/sip-peer.ts'

let kamailio: Kamailio
const clock = systemClock
/** Its timers run thirty times as fast: refreshes and tries come within seconds. */
const hasty: Clock = { ...systemClock, after: (us, run) => systemClock.after(us / 30, run) }
const closing: (() => Promise<void>)[] = []

interface Phone {
  readonly signalling: Signalling
  readonly registrations: Registrations
  readonly invites: IncomingInvite[]
}

const openPhone = async (
  user: string,
  transport: TransportKind,
  account: object = {},
  pace = clock,
): Promise<Phone> => {
  const invites: IncomingInvite[] = []
  const signalling = await createSignalling({
    addresses: (['udp', 'tcp'] as const).map(kind => ({ transport: kind, host: '127.0.0.1', port: 0 })),
    clock,
    log: quietLog,
    userAgent: 'test',
    screen: () => ({ action: 'admit' }),
    onInvite: invite => invites.push(invite),
  })
  const uri = `sip:${user}@127.0.0.1:${kamailio.port}${transport === 'udp' ? '' : `;transport=${transport}`}`
  const settings = accountSchema.parse({ uri, password: `secret-${user}`, expiresS: 60, ...account })
  const registrations = new Registrations(
    { pbx: settings },
    { signalling, clock: pace, log: quietLog, random: Math.random, changed: () => undefined },
  )
  registrations.start()
  closing.push(async () => {
    await registrations.close(1000)
    await signalling.close()
  })
  return { signalling, registrations, invites }
}

const isRegistered = ({ registrations }: Phone) => registrations.statusOf('pbx')?.state === 'registered'

/** The code that a call from `from` to `user` is answered with, and the call when it was answered. */
const call = (from: Phone, fromUser: string, user: string): Promise<{ code: number; session?: Session }> => {
  const target = parseUri(`sip:${user}@127.0.0.1:${kamailio.port}`)!
  const account = registeredAccount(
    'pbx',
    accountSchema.parse({
      uri: `sip:${fromUser}@127.0.0.1:${kamailio.port}`,
      password: `secret-${fromUser}`,
    }),
  )
  return new Promise(resolve => {
    from.signalling.invite(
      {
        uri: target,
        route: from.registrations.routeOf('pbx')!,
        from: { display: '', uri: account.uri, params: noParams },
        credentials: account.credentials!,
        body: sdp('offer'),
      },
      {
        accepted: (session, { response }) => resolve({ code: response.code, session }),
        rejected: ({ code }) => resolve({ code }),
      },
    )
  })
}

beforeAll(async () => {
  kamailio = await startKamailio()
})
afterAll(async () => {
  await Promise.all(closing.map(close => close()))
  await kamailio?.stop()
})

test.each(['udp', 'tcp'] as const)(
  'registered over %s: challenged, made longer, called both ways, given back',
  async transport => {
    const [alice, bob] = [`alice-${transport}`, `bob-${transport}`]
    const [ours, theirs] = [await openPhone(alice, transport), await openPhone(bob, transport)]
    await until(
      () => JSON.stringify(ours.registrations.statuses),
      () => isRegistered(ours) && isRegistered(theirs),
    )
    // 401, then 423 asked for 90 s, then 200 with a Service-Route.
    expect(ours.registrations.statusOf('pbx')).toMatchObject({ attempts: 2, failures: 0, seenAs: undefined })
    const lifeS = (ours.registrations.statusOf('pbx')!.expiresAt! - clock.wall()) / 1e6
    expect(lifeS).toBeGreaterThan(80)
    expect(lifeS).toBeLessThanOrEqual(90)
    expect(ours.registrations.routeOf('pbx')?.map(formatUri)).toEqual([
      `sip:127.0.0.1:${kamailio.port};transport=${transport};lr`,
    ])

    for (const [caller, callerName, callee, calleeName] of [
      [ours, alice, theirs, bob],
      [theirs, bob, ours, alice],
    ] as const) {
      const answer = call(caller, callerName, calleeName)
      await until('the call arrives', () => callee.invites.length > 0)
      const invite = callee.invites.pop()!
      expect(invite.request.uri.user).toBe(calleeName)
      expect(invite.request.headers.list('record-route').length).toBe(1)
      expect(invite.source.transport).toBe(transport)
      const ended: string[] = []
      invite.accept(sdp('answer'))!.listen({ ended: ({ cause }) => ended.push(cause) })
      const { code, session } = await answer
      expect(code).toBe(200)
      session!.listen({ ended: () => undefined })
      session!.bye()
      await until('it is hung up', () => ended.length === 1)
      expect(ended).toEqual(['remote'])
    }

    await theirs.registrations.close(1000)
    expect((await call(ours, alice, bob)).code).toBe(404)
  },
)

test('a wrong password is told, and not tried again soon', async () => {
  const wrong = await openPhone('carol', 'udp', { password: 'guess' })
  await until('it failed', () => wrong.registrations.statusOf('pbx')?.state === 'failed')
  const { error, nextTryAt, attempts, code } = wrong.registrations.statusOf('pbx')!
  expect(error).toBe('127.0.0.1 says 401 Unauthorized: user or password are not accepted')
  expect([attempts, code]).toEqual([1, 401])
  expect(nextTryAt! - clock.wall()).toBeGreaterThan(20e6)
})

test('a registrar that is away is asked until it is back, and then has us again', async () => {
  const phone = await openPhone('dave', 'tcp', {}, hasty)
  const caller = await openPhone('erin', 'udp')
  await until('both are registered', () => isRegistered(phone) && isRegistered(caller))
  await kamailio.stop()
  const status = () => phone.registrations.statusOf('pbx')!
  await until('it is missed', () => status().error !== undefined)
  expect(status()).toMatchObject({ state: 'registered', error: '127.0.0.1 cannot be reached', code: 503 })
  kamailio = await startKamailio(kamailio.port)
  await until('it is registered again', () => status().error === undefined)
  const answer = call(caller, 'erin', 'dave')
  await until('the call arrives', () => phone.invites.length > 0)
  phone.invites[0]!.reject(486)
  expect((await answer).code).toBe(486)
})
