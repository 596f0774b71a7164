/** `crosspoint inspect STREAM`: one stream as source → conversion → destination, with numbers. */
import type { LinkView, StreamView, SubscriberView, TrackView } from '../http/schemas/stream.ts'
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { drawPlan } from './plan-words.ts'
import { print, printJson, strong } from './print.ts'
import { age, bitRate, byteCount, drops, duration, facts, trackParameters } from './words.ts'

const damageOf = (damage: Readonly<Record<string, number>>): string =>
  Object.entries(damage)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

const transcodeFacts = (transcode: NonNullable<TrackView['stats']>['transcode']): string => {
  if (transcode === undefined) return ''
  const { latencyMs, restarts, dropped, concealedMs = 0, silentMs = 0, jitterMs } = transcode
  return facts(
    `transcode delay ${latencyMs.toFixed(1)} ms`,
    jitterMs !== undefined && `jitter ${jitterMs.toFixed(1)} ms`,
    concealedMs > 0 && `${concealedMs} ms concealed`,
    silentMs > 0 && `${silentMs} ms of silence`,
    restarts > 0 && `${restarts} restarts`,
    damageOf(dropped),
  )
}

const trackLine = (track: TrackView): string => {
  const { id, kind, profile, form, derivedFrom, stats } = track
  const interval = stats?.keyframeIntervalMs
  return `  ${facts(
    `${id}: ${trackParameters(track)}`,
    profile,
    form === 'rtp' ? 'packets' : 'frames',
    derivedFrom && `made of ${derivedFrom}`,
    stats && kind === 'video' && `${stats.framesPerSecond.toFixed(1)} fps`,
    stats && bitRate(stats.bitsPerSecond),
    kind === 'video' && interval !== undefined && `key frame every ${(interval / 1000).toFixed(2)} s`,
    stats && damageOf(stats.damage),
    stats && transcodeFacts(stats.transcode),
  )}`
}

const linkFacts = (link: LinkView | undefined): string =>
  facts(
    link?.roundTripMs !== undefined && `round trip ${link.roundTripMs.toFixed(1)} ms`,
    link?.jitterMs !== undefined && `jitter ${link.jitterMs.toFixed(1)} ms`,
    link?.lost !== undefined && link.lost > 0 && `${link.lost} packets lost`,
    link?.unacknowledgedBytes !== undefined && `${byteCount(link.unacknowledgedBytes)} not acknowledged`,
  )

const readerLines = ({ id, label, since, plan, stats, link }: SubscriberView): string[] => [
  `→ ${label}  (reader ${id}, ${age(since)})`,
  ...drawPlan(plan).map(line => `    ${line}`),
  `    ${facts(
    byteCount(stats.bytes),
    stats.latencyMs !== undefined && `latency ${stats.latencyMs.toFixed(2)} ms`,
    stats.backlogBytes !== undefined && stats.backlogBytes > 0 && `${byteCount(stats.backlogBytes)} waiting`,
    stats.waitingForKey && 'waits for a key frame',
    drops(stats.dropped, stats.droppedBy) ?? 'nothing dropped',
    linkFacts(link),
  )}`,
]

export const describeStream = (stream: StreamView): string => {
  const { name, state, since, waiting, publisher, publisherLink, tracks, subscribers } = stream
  const away = waiting && `publisher away, ${duration(waiting.leftMs)} left: ${waiting.reason}`
  const from = facts(publisher ?? 'nobody publishes', linkFacts(publisherLink))
  const hidden = `${stream.viewers} readers, shown to those who may use the API`
  return [
    `${strong(name)}  ${facts(state, age(since), away)}`,
    `from ${from}`,
    ...tracks.map(trackLine),
    ...(subscribers === undefined ? [hidden] : subscribers.flatMap(readerLines)),
    ...(subscribers?.length === 0 ? ['nobody reads it'] : []),
  ].join('\n')
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('<stream>', 'such as live/cam')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('inspect live/cam', 'inspect live/cam --json'))
    .action(async (name: string, flags: ApiFlags) => {
      const stream = await createApi(flags).get<StreamView>(`/v1/streams/${encodeURIComponent(name)}`)
      if (flags.json) printJson(stream)
      else print(describeStream(stream))
      finish(EXIT.ok)
    })
}
