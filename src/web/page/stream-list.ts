/** The live streams as a list to choose from. */
import { type ComponentChild, h } from 'preact'
import type { StreamView } from './api.ts'
import { judge } from './health.ts'
import { previousOf } from './stream-history.ts'
import { bitrate, count, describeTrack, duration, sourceTracks, totalBitrate } from './words.ts'

const uptime = ({ since }: StreamView): string =>
  since === undefined ? '' : duration((Date.now() - Date.parse(since)) / 1000)

const factsOf = (stream: StreamView): string =>
  [bitrate(totalBitrate(stream)), count(stream.viewers, 'viewer'), uptime(stream)]
    .filter(text => text !== '')
    .join(' · ')

const HealthLine = ({ stream }: { readonly stream: StreamView }): ComponentChild => {
  const { tone, words } = judge(stream, previousOf(stream.name))
  return h('span', { class: 'health', 'data-tone': tone }, words)
}

const Row = ({
  stream,
  current,
}: {
  readonly stream: StreamView
  readonly current: boolean
}): ComponentChild => {
  const chips = sourceTracks(stream).map(track =>
    h('span', { key: track.id, class: 'chip' }, describeTrack(track)),
  )
  const place = current ? ({ 'aria-current': 'page' } as const) : {}
  return h(
    'li',
    {},
    h(
      'a',
      { class: 'stream', href: `#/watch/${stream.name}`, ...place },
      h('span', { class: 'name' }, stream.name),
      h('span', { class: 'chips' }, chips),
      h('span', { class: 'facts' }, factsOf(stream)),
      h(HealthLine, { stream }),
    ),
  )
}

export interface StreamListProps {
  readonly streams: readonly StreamView[]
  /** How many there are, or why none is shown. */
  readonly title: string
  /** The name of the one that plays. */
  readonly current: string | undefined
}
export const StreamList = ({ streams, title, current }: StreamListProps): ComponentChild => {
  const rows = streams.map(stream => h(Row, { key: stream.name, stream, current: stream.name === current }))
  return h(
    'aside',
    { class: 'side', 'aria-label': 'Live streams' },
    h('h2', { 'aria-live': 'polite' }, title),
    h('ul', { class: 'streams' }, rows),
  )
}
