/** Everything that Prometheus is told, read when it asks. Labels are bounded: nothing a peer sends makes more of them. */
import type { Bridges } from '../../bridges/bridges.ts'
import type { Clock, Registry, Scope } from '../../core/types.ts'
import type { EventLog } from '../../events/log.ts'
import type { Webhooks } from '../../hooks/webhooks.ts'
import { addCalls, type CallMeasures } from './calls.ts'
import { Exposition } from './exposition.ts'
import { measureLoopLag } from './loop-lag.ts'
import { addProcess } from './process.ts'
import { addStreams } from './streams.ts'
import { addSums, LinkSums } from './sums.ts'
import { addTranscodes, type TranscodeMeasures } from './transcodes.ts'

export interface MetricsParts {
  readonly registry: Registry
  readonly bridges: Bridges
  readonly events: EventLog
  readonly webhooks: Pick<Webhooks, 'counts'>
  readonly callMeasures: CallMeasures
  /** How many were refused, by "action code". */
  readonly refusals: ReadonlyMap<string, number>
  readonly transcodes: TranscodeMeasures
  /** How many streams have metrics of their own. */
  readonly streams: () => number
  readonly version: string
  readonly clock: Clock
  readonly scope: Scope
}

const legStates = ['connecting', 'live', 'backoff', 'failed', 'ended'] as const

const addBridges = (out: Exposition, bridges: Bridges): void => {
  const legs = bridges.list().flatMap(bridge => bridge.legs)
  out.add(
    'crosspoint_bridge_legs',
    'gauge',
    'Destinations of bridges by state; ended bridges are remembered for a while',
    legStates.map(state => [{ state }, legs.filter(leg => leg.state === state).length]),
  )
}

const addWebhooks = (out: Exposition, webhooks: MetricsParts['webhooks']): void => {
  const { delivered, failed, dropped, abandoned, waiting } = webhooks.counts()
  out.add('crosspoint_webhook_events_total', 'counter', 'Events for webhooks and what became of them', [
    [{ outcome: 'delivered' }, delivered],
    [{ outcome: 'dropped' }, dropped],
    [{ outcome: 'abandoned' }, abandoned],
  ])
  out.add('crosspoint_webhook_failed_tries_total', 'counter', 'Tries that failed', [[{}, failed]])
  out.add('crosspoint_webhook_waiting', 'gauge', 'Events not delivered yet', [[{}, waiting]])
}

const addRefusals = (out: Exposition, refusals: ReadonlyMap<string, number>): void => {
  const samples = [...refusals].map(([key, count]) => {
    const [action = '', code = ''] = key.split(' ')
    return [{ action, code }, count] as const
  })
  out.add('crosspoint_access_refused_total', 'counter', 'Refused by the rules of access', samples)
}

/** @returns the text for Prometheus as it is now */
export const createMetrics = (parts: MetricsParts): (() => string) => {
  const lag = measureLoopLag(parts.clock, parts.scope)
  const links = new LinkSums()
  return () => {
    const out = new Exposition()
    const { measures } = parts.registry
    out.add('crosspoint_info', 'gauge', 'The version that runs', [[{ version: parts.version }, 1]])
    addStreams(out, parts.registry.list(), parts.streams())
    addSums(out, measures)
    links.add(out, measures)
    addBridges(out, parts.bridges)
    addCalls(out, parts.callMeasures)
    addTranscodes(out, parts.transcodes)
    addRefusals(out, parts.refusals)
    const counts = [...parts.events.counts].map(([type, count]) => [{ type }, count] as const)
    out.add('crosspoint_events_total', 'counter', 'Events by type', counts)
    out.add('crosspoint_event_readers', 'gauge', 'Readers of events, webhooks among them', [
      [{}, parts.events.readers],
    ])
    addWebhooks(out, parts.webhooks)
    out.addHistogram('crosspoint_event_loop_lag_seconds', 'How late the event loop is', [[{}, lag]])
    addProcess(out)
    return out.toString()
  }
}
