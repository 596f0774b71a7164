/** What events may follow which: every start has exactly one end, and nothing happens outside. */
import type { GatewayEvent } from '../../src/events/event.ts'

export interface EventGrammar {
  take(event: GatewayEvent): void
  /** What broke the rules, in words. */
  readonly violations: readonly string[]
  /** What has begun and not ended. */
  open(): readonly string[]
  /** How many events of each type came. */
  readonly counts: ReadonlyMap<string, number>
}

type Verdict = string | undefined

export const createEventGrammar = (): EventGrammar => {
  const streams = new Map<string, 'live' | 'waiting'>()
  const begun = new Map<string, string>()
  /** Calls of which something was told, and whether they are over. */
  const calls = new Map<unknown, boolean>()
  const counts = new Map<string, number>()
  const violations: string[] = []

  const begin = (what: string, about: string): Verdict => {
    if (begun.has(what)) return `${what} begins twice`
    begun.set(what, about)
    return undefined
  }
  const end = (what: string): Verdict => (begun.delete(what) ? undefined : `${what} ends without a beginning`)
  const during = (what: string): Verdict => (begun.has(what) ? undefined : `${what} is not there`)

  const turn = (
    stream: string,
    from: readonly (string | undefined)[],
    to: 'live' | 'waiting' | undefined,
  ): Verdict => {
    const state = streams.get(stream)
    if (to === undefined) streams.delete(stream)
    else streams.set(stream, to)
    return from.includes(state) ? undefined : `${stream} was ${state ?? 'not there'}`
  }

  const inCall = (id: unknown, isOver: boolean): Verdict => {
    const wasOver = calls.get(id) === true
    calls.set(id, isOver)
    return wasOver ? `call ${id} was over` : undefined
  }

  const check = ({ type, stream = '', data = {} }: GatewayEvent): Verdict => {
    switch (type) {
      case 'stream:ready':
        return turn(stream, [undefined], 'live')
      case 'stream:waiting':
        return turn(stream, ['live'], 'waiting')
      case 'stream:resumed':
        return turn(stream, ['waiting'], 'live')
      case 'stream:closed':
        return turn(stream, ['live', 'waiting'], undefined)
      case 'subscriber:joined':
        return begin(`subscriber ${data.id}`, stream)
      case 'subscriber:left':
        return end(`subscriber ${data.id}`)
      case 'transcode:started':
        return begin(`transcode ${stream} ${data.track}`, stream)
      case 'transcode:stopped':
        return end(`transcode ${stream} ${data.track}`)
      case 'bridge:opened':
        return begin(`bridge ${data.bridge}`, stream)
      case 'leg:changed':
        return during(`bridge ${data.bridge}`)
      case 'bridge:closed':
        return end(`bridge ${data.bridge}`)
      case 'call:ringing':
      case 'call:early':
      case 'call:answered':
      case 'call:held':
      case 'call:resumed':
      case 'call:dtmf':
        return inCall(data.call, false)
      case 'call:ended':
        return inCall(data.call, true)
      default:
        return undefined
    }
  }
  const openCalls = (): readonly string[] =>
    [...calls].flatMap(([id, isOver]) => (isOver ? [] : [`call ${id}`]))

  return {
    violations,
    counts,
    take(event) {
      counts.set(event.type, (counts.get(event.type) ?? 0) + 1)
      const verdict = check(event)
      if (verdict !== undefined) violations.push(`${event.id} ${event.type} ${event.stream}: ${verdict}`)
    },
    open: () => [
      ...[...streams].map(([name, state]) => `${name} is ${state}`),
      ...begun.keys(),
      ...openCalls(),
    ],
  }
}
