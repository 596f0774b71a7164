/** The calls that sound worst, one by one; of the others only how many they are. */
import type { CallInfo, CallMedia } from '../../adapters/call-desk.ts'
import type { Exposition, Labels } from './exposition.ts'

interface Sound {
  readonly labels: Labels
  readonly line: CallMedia
}

/** Those without a score last; equal ones by their ids, so that the choice does not change with each look. */
const worst = (calls: readonly CallInfo[]): readonly Sound[] =>
  calls
    .flatMap(({ id, media }) =>
      media
        .filter(({ kind }) => kind === 'audio')
        .map(line => ({ labels: { call: id, codec: line.codec }, line })),
    )
    .toSorted((a, b) => (a.line.mos ?? 5) - (b.line.mos ?? 5) || (a.labels.call < b.labels.call ? -1 : 1))

/** `shown`: how many calls have series of their own. */
export const addCallQuality = (out: Exposition, calls: readonly CallInfo[], shown: number): void => {
  const all = worst(calls)
  const told = all.slice(0, shown)
  const add = (name: string, help: string, value: (line: CallMedia) => number | undefined): void =>
    out.add(
      `crosspoint_sip_call_${name}`,
      'gauge',
      help,
      told.flatMap(({ labels, line }) => {
        const number = value(line)
        return number === undefined ? [] : [[labels, number] as const]
      }),
    )
  add('mos', 'Mean opinion score of a call (ITU-T G.107)', ({ mos }) => mos)
  add('jitter_seconds', 'Jitter of what comes', ({ received }) => received.jitterMs / 1000)
  add('received_packets', 'RTP packets of sound that came', ({ received }) => received.packets)
  add('lost_packets', 'RTP packets of sound that never came', ({ received }) => received.lost)
  add('remote_lost_ratio', 'Share that the far side lost last', line => line.remoteFractionLost)
  add('round_trip_seconds', 'To the far side and back', ({ roundTripMs }) =>
    roundTripMs === undefined ? undefined : roundTripMs / 1000,
  )
  out.add('crosspoint_sip_calls_untold', 'gauge', 'Calls that have no metrics of their own', [
    [{}, all.length - told.length],
  ])
}
