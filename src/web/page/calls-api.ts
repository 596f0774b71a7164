/** What the page asks the gateway about calls. */
import { ask } from './api.ts'

export interface CallMediaView {
  readonly kind: 'audio' | 'video'
  readonly codec: string
  readonly direction: string
  readonly srtp: boolean
  readonly received: { readonly packets: number; readonly lost: number; readonly jitterMs: number }
  readonly mos: number | null
  readonly roundTripMs: number | null
}
export interface CallView {
  readonly id: string
  readonly direction: 'inbound' | 'outbound'
  readonly state: 'dialling' | 'ringing' | 'early' | 'live' | 'ending' | 'ended'
  readonly hold: 'none' | 'by-us' | 'by-them' | 'both'
  readonly waitsFor: 'greeting' | 'pin' | null
  readonly from: string
  readonly to: string
  readonly publish: string | null
  readonly hear: string | null
  readonly hearError: string | null
  readonly since: string
  readonly answeredAt: string | null
  readonly endedAt: string | null
  readonly reason: { readonly code: number; readonly detail: string } | null
  readonly media: readonly CallMediaView[]
}
export interface AccountView {
  readonly name: string
  readonly uri: string
  readonly state: 'registered' | 'registering' | 'failed' | 'unregistered' | 'trunk'
  readonly error: string | null
  readonly calls: number
}
export interface Dialled {
  readonly to: string
  readonly publish: string
  readonly hear: string
  /** Registration or trunk; left out: by the domain. */
  readonly account?: string
}

const callPath = (id: string): string => `/v1/calls/${encodeURIComponent(id)}`

const send = (method: 'POST' | 'PATCH', path: string, body: object): Promise<Response> =>
  ask(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

export const listCalls = async (): Promise<readonly CallView[]> =>
  (await (await ask('/v1/calls')).json()).calls

export const listAccounts = async (): Promise<readonly AccountView[]> =>
  (await (await ask('/v1/accounts')).json()).accounts

export const dial = async (request: Dialled): Promise<CallView> =>
  (await send('POST', '/v1/calls', request)).json()

export const hangUp = async (id: string): Promise<void> => {
  await ask(callPath(id), { method: 'DELETE' })
}

export const setHold = async (id: string, held: boolean): Promise<void> => {
  await ask(`${callPath(id)}/${held ? 'hold' : 'unhold'}`, { method: 'POST' })
}

/** What the far side hears from now on. */
export const setHear = async (id: string, hear: string | null): Promise<void> => {
  await send('PATCH', callPath(id), { hear })
}

export const sendDigit = async (id: string, digits: string): Promise<void> => {
  await send('POST', `${callPath(id)}/dtmf`, { digits })
}

/** Resolves with what became of it, in words. @throws Refusal */
export const transfer = async (id: string, to: string): Promise<string> => {
  const { done, detail } = await (await send('POST', `${callPath(id)}/transfer`, { to })).json()
  return done ? `Passed on to ${to}` : `Not passed on: ${detail}`
}
