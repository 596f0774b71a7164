/** Start at the last group of pictures: what the feeds have kept, all tracks interleaved by time. */
import type { Form, Frame, RtpPacket } from '../media/types.ts'
import type { Outlet } from './outlet.ts'
import type { Route } from './routes.ts'

interface Kept {
  readonly outlet: Outlet<Form>
  readonly unit: Frame | RtpPacket
  readonly time: number
}

/** In the order they came; times never step back, so that sorting keeps that order within the track. */
const keptOf = ({ outlet, track }: Route): Kept[] => {
  let time = Number.NEGATIVE_INFINITY
  return (outlet as Outlet<Form>).kept.map(unit => {
    time = Math.max(time, track.clock.toStreamTime('ts' in unit ? unit.ts : unit.dts))
    return { outlet: outlet as Outlet<Form>, unit, time }
  })
}

/**
 * Past audio goes to frame sinks only, and only from where the picture begins: an RTP receiver plays sound by its
 * own clock and would have to throw it away.
 */
export const replayLastGop = (routes: readonly Route[]): void => {
  const video = routes.filter(({ track }) => track.kind === 'video').flatMap(keptOf)
  if (video.length === 0) return
  const begin = video.reduce((first, { time }) => Math.min(first, time), Number.POSITIVE_INFINITY)
  const audio = routes
    .filter(({ track, end }) => track.kind !== 'video' && end.form === 'frame')
    .flatMap(keptOf)
    .filter(({ time }) => time >= begin)
  const all = [...video, ...audio].sort((a, b) => a.time - b.time)
  for (const { outlet, unit } of all) outlet.replay(unit)
}
