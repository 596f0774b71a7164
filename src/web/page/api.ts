/** What the page asks the gateway. */
import { tellTokenWanted, withToken } from './token.ts'

export interface TrackStats {
  readonly bitsPerSecond: number
  readonly framesPerSecond: number
  readonly keyframeIntervalMs?: number
  readonly syncErrorMs?: number
  readonly damage: Readonly<Record<string, number>>
}
export interface TrackView {
  readonly id: string
  readonly kind: 'audio' | 'video' | 'data'
  readonly codec: string
  readonly width?: number
  readonly height?: number
  readonly channels?: number
  readonly sampleRate?: number
  readonly derivedFrom?: string
  readonly stats?: TrackStats
}
/** The publisher was lost and may come back. */
export interface WaitingView {
  readonly reason: string
  readonly leftMs: number
}
export interface StreamView {
  readonly name: string
  readonly state: string
  readonly since?: string
  readonly viewers: number
  readonly tracks: readonly TrackView[]
  readonly waiting?: WaitingView
  readonly publisherLink?: { readonly fractionLost?: number }
  /** Only for those who may use the API. */
  readonly subscribers?: readonly SubscriberView[]
  /** The destinations of all bridges from it, filled in by the page; only for those who may use the API. */
  readonly legs?: readonly LegView[]
}
export interface SubscriberView {
  readonly id: string
  readonly label: string
  readonly stats: {
    readonly dropped: number
    readonly droppedBy: Readonly<Record<string, number>>
    readonly latencyMs?: number
  }
}

type Step = { readonly op: string; readonly to?: string }
export interface PlanView {
  readonly ok: boolean
  readonly tracks?: readonly {
    readonly label: string
    readonly codec: string
    readonly steps: readonly Step[]
  }[]
  readonly skipped: readonly { readonly source: string; readonly reason: string }[]
}
/** One thing that a destination wants. */
export interface CheckView {
  readonly check: string
  /** null: not measured yet. */
  readonly ok: boolean | null
  readonly measured: string
  readonly wanted: string
  readonly repair: string | null
}
export type RunState = 'connecting' | 'live' | 'backoff' | 'failed' | 'ended'
/** What the other end is to run. */
export interface PeerView {
  readonly does: 'send' | 'receive'
  readonly sdp: string | null
  readonly commands: readonly { readonly program: string; readonly line: string }[]
}
export interface LegView {
  readonly to: string
  readonly state: RunState
  readonly waiting: WaitingView | null
  readonly lastError: string | null
  readonly lastErrorAt: string | null
  readonly retries: number
  readonly nextRetryAt: string | null
  readonly plan: PlanView | null
  readonly bytes: number
  readonly profile: string | null
  readonly preflight: readonly CheckView[]
  readonly peer: PeerView | null
}
export interface BridgeView {
  readonly id: string
  readonly from: string
  readonly stream: string
  readonly state: RunState
  readonly waiting?: WaitingView
  readonly reason?: string
  readonly source?: {
    readonly state: RunState
    readonly lastError: string | null
    readonly peer: PeerView | null
  }
  readonly legs: readonly LegView[]
}
interface AdapterView {
  readonly name: string
  readonly listening?: { readonly address: string; readonly port: number }
}

/** A refusal, in the gateway's own words (problem details, RFC 9457). */
export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.status = status
    this.code = code
  }
}

const isAboutKeys = (status: number): boolean => status === 401 || status === 403

const refusalOf = async (response: Response): Promise<Refusal> => {
  const problem = await response.json().catch(() => ({}))
  return new Refusal(response.status, problem.code ?? 'unknown', problem.detail ?? response.statusText)
}

/** Like fetch, but an error status rejects with a `Refusal`; one for want of a key shows the form for it. */
export const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const response = await fetch(path, withToken(init))
  if (response.ok) return response
  const refusal = await refusalOf(response)
  if (isAboutKeys(response.status)) tellTokenWanted(refusal.message)
  throw refusal
}

/** A stream name as URL path: its slashes stay. */
export const encodeName = (name: string): string => name.split('/').map(encodeURIComponent).join('/')

const isShown = ({ state }: StreamView): boolean => state === 'ready' || state === 'waiting'

/** Who is told of readers may be told of bridges; others would be refused again and again. */
const mayKnowBridges = ({ subscribers }: StreamView): boolean => subscribers !== undefined

export const listStreams = async (): Promise<readonly StreamView[]> => {
  const answer = await (await ask('/v1/streams')).json()
  const streams = (answer.streams as StreamView[]).filter(isShown)
  if (!streams.some(mayKnowBridges)) return streams
  const bridges = await listBridges()
  return streams.map(stream => {
    const own = bridges.filter(bridge => bridge.stream === stream.name)
    return { ...stream, legs: own.flatMap(({ legs }) => legs) }
  })
}

export const listBridges = async (): Promise<readonly BridgeView[]> =>
  (await (await ask('/v1/bridges')).json()).bridges

export const openBridge = async (from: string, to: readonly string[]): Promise<BridgeView> => {
  const headers = { 'content-type': 'application/json' }
  return (await ask('/v1/bridges', { method: 'POST', headers, body: JSON.stringify({ from, to }) })).json()
}

export const closeBridge = async (id: string): Promise<void> => {
  await ask(`/v1/bridges/${encodeURIComponent(id)}`, { method: 'DELETE' })
}

/** `place`: of the destination among its `legs`. */
export const closeLeg = async (id: string, place: number): Promise<void> => {
  await ask(`/v1/bridges/${encodeURIComponent(id)}/legs/${place}`, { method: 'DELETE' })
}

/** `host:port` of the RTMP door as this browser would reach it; undefined when there is none, or it may not know. */
export const findRtmpDoor = async (): Promise<string | undefined> => {
  const response = await fetch('/v1/adapters', withToken())
  if (!response.ok) return undefined
  const { adapters } = await response.json()
  const port = (adapters as AdapterView[]).find(({ name }) => name === 'rtmp')?.listening?.port
  return port === undefined ? undefined : `${location.hostname}${port === 1935 ? '' : `:${port}`}`
}
