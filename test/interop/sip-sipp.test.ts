/** SIPp as the other phone: every scenario of test/fixtures/sipp, side by side. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OutgoingInvite, Rejection } from '../../src/adapters/sip/outgoing-invite.ts'
import type { Session, SessionEnd } from '../../src/adapters/sip/session.ts'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import { stopPrograms } from '../helpers/program.ts'
import { address, uri } from '../helpers/sip-peer.ts'
import { audio, listenAsPhone, openUserAgent } from '../helpers/sip-user-agent.ts'
import { startSipp } from '../helpers/sipp.ts'

let phone: Signalling

beforeAll(async () => {
  phone = await openUserAgent()
})
afterAll(async () => {
  await stopPrograms()
  await phone.close()
})

describe.concurrent('SIPp calls', () => {
  test.each([
    ['caller-digest', 'signed'],
    ['caller-cancel', 'ring'],
    ['caller-full', '1000'],
    ['caller-proxied', '1000'],
    ['caller-late-offer', '1000'],
    ['caller-nat', '1000'],
    ['caller-options', '1000'],
    ['caller-prack', 'early'],
    ['caller-record-route', 'brief'],
    ['caller-session-timer', '1000'],
    ['caller-foreign-extension', '1000'],
  ])('%s', async (scenario, user) => {
    const run = await startSipp(scenario, ['-s', user, '-m', '1'], `127.0.0.1:${phone.addresses[0]!.port}`)
    await run.done
  })
})

interface Outcome {
  readonly invite: OutgoingInvite
  readonly session: Promise<Session>
  readonly rejection: Promise<Rejection>
  readonly ringing: Promise<number>
}

const credentials = { user: 'alice', password: 'secret' }

const call = (port: number): Outcome => {
  const session = Promise.withResolvers<Session>()
  const rejection = Promise.withResolvers<Rejection>()
  const ringing = Promise.withResolvers<number>()
  session.promise.catch(() => undefined)
  const invite = phone.invite(
    {
      uri: uri(`sip:phone@127.0.0.1:${port}`),
      from: address('"Gate" <sip:gate@127.0.0.1>'),
      body: audio(),
      credentials,
    },
    {
      provisional: ({ response }) => ringing.resolve(response.code),
      accepted: accepted => session.resolve(accepted),
      rejected: why => {
        rejection.resolve(why)
        session.reject(new Error(`${why.code} ${why.reason}: ${why.detail}`))
      },
    },
  )
  return { invite, session: session.promise, rejection: rejection.promise, ringing: ringing.promise }
}

const startCallee = (scenario: string) => startSipp(scenario, ['-m', '1'])

describe.concurrent('SIPp is called', () => {
  test.each(['callee-proxy-digest', 'callee-two-challenges', 'callee-prack'])('%s', async scenario => {
    const { port, done } = await startCallee(scenario)
    const session = await call(port).session
    session.bye()
    await done
  })

  test('callee-moved: the contacts come best first', async () => {
    const { port, done } = await startCallee('callee-moved')
    const { code, contacts } = await call(port).rejection
    await done
    expect(code).toBe(302)
    expect(contacts.map(contact => contact.uri.user)).toEqual(['first', 'second'])
    expect(contacts[0]!.display).toBe('Best')
  })

  test('callee-cancel', async () => {
    const { port, done } = await startCallee('callee-cancel')
    const { invite, ringing, rejection } = call(port)
    await ringing
    invite.cancel('SIP;cause=200;text="Call completed elsewhere"')
    expect(await rejection).toMatchObject({ code: 487 })
    await done
  })

  test('callee-hold', async () => {
    const { port, done } = await startCallee('callee-hold')
    const session = await call(port).session
    listenAsPhone(session)
    const held = await session.reinvite(audio(undefined, 'sendonly'))
    expect(held.body?.content).toContain('a=recvonly')
    await session.reinvite(audio())
    await session.info({ type: 'application/dtmf-relay', content: 'Signal=7\r\nDuration=160\r\n' })
    session.bye()
    await done
  })

  test('callee-forked: of two that answer the first is the call, the second is acknowledged and hung up', async () => {
    const { port, done } = await startCallee('callee-forked')
    const session = await call(port).session
    const end = new Promise<SessionEnd>(resolve => listenAsPhone(session, resolve))
    await done
    expect(await end).toEqual({ cause: 'remote', detail: 'Q.850;cause=16;text="from the desk"' })
  })

  test('callee-bye: its REFER is refused, its BYE tells why', async () => {
    const { port, done } = await startCallee('callee-bye')
    const session = await call(port).session
    const end = new Promise<SessionEnd>(resolve => listenAsPhone(session, resolve))
    expect(await end).toEqual({ cause: 'remote', detail: 'Q.850;cause=31;text="lunch"' })
    await done
  })
})
