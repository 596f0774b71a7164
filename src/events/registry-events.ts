/** What the registry tells, as events. Credentials never get into them. */
import { describeParams, describePlan } from '../core/describe.ts'
import { describeReason } from '../core/scope.ts'
import type { CloseReason, Registry, StreamInfo, SubscriberInfo } from '../core/types.ts'
import type { GatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { EventFacts } from './event.ts'
import type { EventLog } from './log.ts'
import type { TellRefusal } from './refusals.ts'

const because = (reason: CloseReason): EventFacts => ({
  code: reason.code,
  reason: maskUrls(describeReason(reason)),
})

const aboutStream = ({ name, publisher, tracks, subscribers }: StreamInfo): EventFacts => ({
  stream: name,
  data: {
    publisher: publisher && maskUrls(publisher),
    tracks: tracks
      .filter(track => track.derivedFrom === undefined)
      .map(track => describeParams(track.params)),
    subscribers: subscribers.length,
  },
})

const aboutReader = ({ name }: StreamInfo, { id, label, plan }: SubscriberInfo): EventFacts => ({
  stream: name,
  data: { id, label: maskUrls(label), plan: describePlan(plan) },
})

const aboutLeaver = ({ name }: StreamInfo, { id, label, stats }: SubscriberInfo): EventFacts => {
  const { units, bytes, droppedBy } = stats
  return { stream: name, data: { id, label: maskUrls(label), units, bytes, droppedBy } }
}

/** Who was refused what, and why. */
export const refusal = (stream: string, label: string, error: GatewayError): EventFacts => ({
  stream,
  code: error.code,
  reason: maskUrls(error.message),
  data: { label: maskUrls(label) },
})

/** Follows the registry until what is returned is called. */
export const followRegistry = (registry: Registry, log: EventLog, refuse: TellRefusal): (() => void) => {
  const stops = [
    registry.on('stream:ready', info => log.append('stream:ready', aboutStream(info))),
    registry.on('stream:waiting', (info, why) =>
      log.append('stream:waiting', { ...aboutStream(info), ...because(why) }),
    ),
    registry.on('stream:resumed', info => log.append('stream:resumed', aboutStream(info))),
    registry.on('stream:closed', (info, why) =>
      log.append('stream:closed', { ...aboutStream(info), ...because(why) }),
    ),
    registry.on('subscriber:joined', (info, _label, reader) =>
      log.append('subscriber:joined', aboutReader(info, reader)),
    ),
    registry.on('subscriber:left', (info, _label, why, reader) =>
      log.append('subscriber:left', { ...aboutLeaver(info, reader), ...because(why) }),
    ),
    registry.on('publish:refused', (...what) => refuse('publish:refused', refusal(...what))),
    registry.on('subscribe:refused', (...what) => refuse('subscribe:refused', refusal(...what))),
    registry.on('transcode:started', (stream, data) =>
      log.append('transcode:started', { stream, data: { ...data } }),
    ),
    registry.on('transcode:stopped', (stream, data, why) =>
      log.append('transcode:stopped', { stream, data: { ...data }, ...because(why) }),
    ),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
