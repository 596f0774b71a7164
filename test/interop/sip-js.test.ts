/** sip.js, the stack of many softphones in browsers, at the other end of a WebSocket. */
import {
  type BodyAndContentType,
  type Invitation,
  Inviter,
  type Session as JsSession,
  type SessionDescriptionHandler,
  SessionState,
  UserAgent,
} from 'sip.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session, SessionEnd } from '../../src/adapters/sip/session.ts'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import { until } from '../helpers/program.ts'
import { address, uri } from '../helpers/sip-peer.ts'
import { audio, listenAsPhone, openUserAgent } from '../helpers/sip-user-agent.ts'

/** Descriptions without media. */
class Descriptions implements SessionDescriptionHandler {
  readonly heard: string[] = []
  readonly #direction: () => string

  constructor(direction: () => string) {
    this.#direction = direction
  }

  close(): void {}
  hasDescription(type: string): boolean {
    return type === 'application/sdp'
  }
  async setDescription(sdp: string): Promise<void> {
    this.heard.push(sdp)
  }
  async getDescription(): Promise<BodyAndContentType> {
    return { body: audio(undefined, this.#direction()).content, contentType: 'application/sdp' }
  }
  async rollbackDescription(): Promise<void> {}
  sendDtmf(): boolean {
    return false
  }
}

let gate: Signalling
let phone: UserAgent
let direction = 'sendrecv'
let peerPort: number
const rung: Invitation[] = []

beforeAll(async () => {
  gate = await openUserAgent({
    addresses: [{ transport: 'ws', host: '127.0.0.1', port: 0 }],
    trace: ({ direction: way, remote }) => {
      if (way === 'in') peerPort = Number(remote.split(':')[1])
    },
  })
  phone = new UserAgent({
    uri: UserAgent.makeURI('sip:web@gate.example')!,
    contactName: 'web',
    transportOptions: { server: `ws://127.0.0.1:${gate.addresses[0]!.port}` },
    sessionDescriptionHandlerFactory: () => new Descriptions(() => direction),
    authorizationUsername: 'web',
    authorizationPassword: 'secret',
    logBuiltinEnabled: false,
    delegate: { onInvite: invitation => void rung.push(invitation) },
  })
  await phone.start()
})
afterAll(async () => {
  await phone.stop()
  await gate.close()
})

const reached = (session: JsSession, state: SessionState): Promise<void> =>
  until(`the call is ${state}`, () => session.state === state)

test('it calls, signed, holds and resumes, and hangs up', async () => {
  const call = new Inviter(phone, UserAgent.makeURI('sip:signed@gate.example')!)
  await call.invite()
  await reached(call, SessionState.Established)
  const heard = (): string => (call.sessionDescriptionHandler as Descriptions).heard.at(-1) ?? ''
  for (const [ours, theirs] of [
    ['sendonly', 'recvonly'],
    ['sendrecv', 'sendrecv'],
  ] as const) {
    direction = ours
    await call.invite({})
    await until(`it hears ${theirs}`, () => heard().includes(`a=${theirs}`))
  }
  await call.bye()
  await until('both are free', () => gate.stats().gauges.dialogs === 0)
})

test('it is called by its own connection, answers, and is hung up', async () => {
  const accepted = Promise.withResolvers<Session>()
  gate.invite(
    {
      uri: uri(`sip:web@127.0.0.1:${peerPort};transport=ws`),
      from: address('<sip:gate@gate.example>'),
      body: audio(),
    },
    {
      accepted: session => accepted.resolve(session),
      rejected: ({ code, detail }) => accepted.reject(new Error(`${code} ${detail}`)),
    },
  )
  await until('it rings', () => rung.length === 1)
  await rung[0]!.accept()
  const session = await accepted.promise
  const ended = new Promise<SessionEnd>(resolve => listenAsPhone(session, resolve))
  await reached(rung[0]!, SessionState.Established)
  session.bye('Q.850;cause=16')
  expect(await ended).toEqual({ cause: 'local' })
  await reached(rung[0]!, SessionState.Terminated)
})
