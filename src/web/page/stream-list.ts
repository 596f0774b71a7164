/** The live streams as a list to choose from. */
import type { StreamView } from './api.ts'
import { h } from './element.ts'
import { judge } from './health.ts'
import { previousOf } from './stream-history.ts'
import { bitrate, count, describeTrack, duration, sourceTracks, totalBitrate } from './words.ts'

const uptime = ({ since }: StreamView): string =>
  since === undefined ? '' : duration((Date.now() - Date.parse(since)) / 1000)

const healthLine = (stream: StreamView): HTMLElement => {
  const { tone, words } = judge(stream, previousOf(stream.name))
  return h('span', { class: 'health', 'data-tone': tone }, words)
}

const row = (stream: StreamView, current: string | undefined): HTMLElement => {
  const tracks = sourceTracks(stream)
  const facts = [bitrate(totalBitrate(stream)), count(stream.viewers, 'viewer'), uptime(stream)].filter(
    text => text !== '',
  )
  return h(
    'li',
    {},
    h(
      'a',
      {
        class: 'stream',
        href: `#/watch/${stream.name}`,
        'aria-current': stream.name === current ? 'page' : undefined,
      },
      h('span', { class: 'name' }, stream.name),
      h(
        'span',
        { class: 'chips' },
        ...tracks.map(track => h('span', { class: 'chip' }, describeTrack(track))),
      ),
      h('span', { class: 'facts' }, facts.join(' · ')),
      healthLine(stream),
    ),
  )
}

/** Keeps its place and keyboard focus while the streams change. */
export const createStreamList = (): {
  readonly element: HTMLElement
  show(streams: readonly StreamView[], current: string | undefined): void
} => {
  const list = h('ul', { class: 'streams' })
  const heading = h('h2', {}, 'Live now')
  const element = h('aside', { class: 'side', 'aria-label': 'Live streams' }, heading, list)
  return {
    element,
    show(streams, current) {
      const focused = document.activeElement?.getAttribute('href')
      heading.textContent = streams.length === 0 ? 'Nothing is live' : `Live now · ${streams.length}`
      list.replaceChildren(...streams.map(stream => row(stream, current)))
      for (const link of list.querySelectorAll('a')) if (link.getAttribute('href') === focused) link.focus()
    },
  }
}
