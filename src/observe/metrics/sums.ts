/** Sums over all sessions there were: they never fall when one ends. */
import type { Measures } from '../../core/measures.ts'
import type { Reading, Tally } from '../../core/tally.ts'
import type { Exposition, Labels } from './exposition.ts'

type Samples = (readonly [Labels, number])[]

const samplesOf = (tally: Tally, label: string, name: string): Samples =>
  [...tally.sums].map(([group, reading]) => [{ [label]: group }, reading[name] ?? 0])

const liveOf = (tally: Tally): Samples => [...tally.live].map(([protocol, count]) => [{ protocol }, count])

const drops: readonly (readonly [field: string, reason: string])[] = [
  ['waitingForKey', 'waiting-for-key'],
  ['slow', 'slow'],
]

const addMedia = (out: Exposition, { tracks, readers, publishers }: Measures): void => {
  out.add('crosspoint_publishers', 'gauge', 'Publishers now', liveOf(publishers))
  out.add('crosspoint_readers', 'gauge', 'Readers now', liveOf(readers))
  const received = 'crosspoint_received'
  out.add(
    `${received}_units_total`,
    'counter',
    'Frames or packets from sources',
    samplesOf(tracks, 'kind', 'units'),
  )
  out.add(`${received}_bytes_total`, 'counter', 'Payload from sources', samplesOf(tracks, 'kind', 'bytes'))
  out.add(
    'crosspoint_keyframe_requests_total',
    'counter',
    'Key frames asked of sources',
    samplesOf(tracks, 'kind', 'keyframeRequests'),
  )
  const sent = 'crosspoint_sent'
  out.add(
    `${sent}_units_total`,
    'counter',
    'Frames or packets to readers',
    samplesOf(readers, 'protocol', 'units'),
  )
  out.add(`${sent}_bytes_total`, 'counter', 'Payload to readers', samplesOf(readers, 'protocol', 'bytes'))
  const dropped = [...readers.sums].flatMap(([protocol, reading]) =>
    drops.map(([field, reason]) => [{ protocol, reason }, reading[field] ?? 0] as const),
  )
  out.add('crosspoint_dropped_units_total', 'counter', 'Not sent to a reader, and why', dropped)
}

const links: readonly (readonly [field: string, metric: string, help: string])[] = [
  ['packets', 'packets', 'RTP packets'],
  ['lost', 'lost_packets', 'RTP packets lost for good'],
  ['nacks', 'nacked_packets', 'RTP packets asked for again'],
  ['resent', 'resent_packets', 'RTP packets sent again'],
  ['repaired', 'repaired_packets', 'RTP packets that came by repair'],
  ['pictureLossRequests', 'picture_loss_requests', 'Key frames asked for by PLI or FIR'],
]

/** A packet given up as lost may come late: counters do not go back for it. */
export class LinkSums {
  readonly #highest = new Map<string, number>()

  add(out: Exposition, { publishers, readers }: Measures): void {
    for (const [field, metric, help] of links) {
      const name = `crosspoint_rtp_${metric}_total`
      const samples = [...this.#of('in', publishers, field), ...this.#of('out', readers, field)]
      out.add(name, 'counter', help, samples)
    }
  }

  #of(direction: 'in' | 'out', tally: Tally, field: string): Samples {
    const hasLinks = ([, reading]: readonly [string, Reading]): boolean => field in reading
    return [...tally.sums].filter(hasLinks).map(([protocol, reading]) => {
      const key = `${direction} ${protocol} ${field}`
      const value = Math.max(reading[field]!, this.#highest.get(key) ?? 0)
      this.#highest.set(key, value)
      return [{ direction, protocol }, value]
    })
  }
}

export const addSums = (out: Exposition, measures: Measures): void => {
  addMedia(out, measures)
  out.addHistogram(
    'crosspoint_latency_seconds',
    'From the arrival of a frame or packet to handing it to a reader, of one in 64',
    [[{}, measures.latency]],
  )
  out.addHistogram(
    'crosspoint_av_skew_seconds',
    'How much later pictures come than the sound that belongs to them: from sources, and to readers',
    [
      [{ hop: 'in' }, measures.skewIn],
      [{ hop: 'out' }, measures.skewOut],
    ],
  )
}
