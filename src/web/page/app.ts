/** The page: a list of what is live, one view beside it. */
import { type ComponentChild, Fragment, h } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { findRtmpDoor, listStreams, Refusal, type StreamView } from './api.ts'
import { BridgesView } from './bridges-view.ts'
import { CallsView } from './calls-view.ts'
import { KeyForm } from './key-form.ts'
import { PublishLinks } from './links.ts'
import { useEvery } from './polling.ts'
import { PublishView } from './publish-view.ts'
import { type Route, useRoute } from './route.ts'
import { rememberStreams } from './stream-history.ts'
import { StreamList } from './stream-list.ts'
import { WatchView } from './watch-view.ts'

const pages: readonly (readonly [page: Route['page'], title: string])[] = [
  ['watch', 'Watch'],
  ['publish', 'Publish'],
  ['bridges', 'Bridges'],
  ['calls', 'Calls'],
]

const Header = ({ page }: { readonly page: Route['page'] }): ComponentChild => {
  const brand = h('img', { src: '/assets/icon.svg', alt: '', width: 28, height: 28 })
  const links = pages.map(([name, title]) =>
    h('a', { key: name, href: `#/${name}`, 'aria-current': name === page ? 'page' : undefined }, title),
  )
  return h(
    'header',
    { class: 'bar' },
    h('a', { class: 'brand', href: '#/watch' }, brand, 'Crosspoint'),
    h('nav', { 'aria-label': 'Pages' }, links),
  )
}

interface EmptyViewProps {
  /** Streams may not be listed without a key. */
  readonly refused: boolean
  readonly rtmp: string | undefined
}
const EmptyView = ({ refused, rtmp }: EmptyViewProps): ComponentChild => {
  const title = refused ? 'Streams are not shown without a key' : 'Nothing is live yet'
  const then = refused
    ? 'With a key that may play, what is live plays here.'
    : 'As soon as something is published it plays here.'
  return h(
    'div',
    { class: 'main' },
    h(
      'div',
      { class: 'stage empty' },
      h('h1', {}, title),
      h('p', {}, then),
      h('a', { class: 'primary', href: '#/publish' }, 'Publish from this browser'),
    ),
    h(PublishLinks, { name: 'live/cam', rtmp }),
  )
}

interface Live {
  readonly streams: readonly StreamView[]
  /** Streams may not be listed without a key. */
  readonly refused: boolean
  /** The gateway does not answer: what is live is not known. */
  readonly lost: boolean
}
/** Each answer is a new moment of every stream's history, so each one draws the page anew. */
const useLive = (): Live | undefined => {
  const [live, setLive] = useState<Live>()
  useEvery(2000, async () => {
    try {
      const streams = await listStreams()
      rememberStreams(streams)
      setLive({ streams, refused: false, lost: false })
    } catch (error) {
      const refused = error instanceof Refusal
      rememberStreams([])
      setLive({ streams: [], refused, lost: !refused })
    }
  })
  return live
}

const listTitle = (live: Live | undefined): string => {
  if (live === undefined) return 'Connecting'
  if (live.lost) return 'The gateway does not answer'
  if (live.refused) return 'Not shown without a key'
  return live.streams.length === 0 ? 'Nothing is live' : `Live now · ${live.streams.length}`
}

const useRtmpDoor = (): string | undefined => {
  const [rtmp, setRtmp] = useState<string>()
  useEffect(() => {
    void findRtmpDoor().then(setRtmp, () => undefined)
  }, [])
  return rtmp
}

export const App = (): ComponentChild => {
  const { page, name } = useRoute()
  const live = useLive()
  const rtmp = useRtmpDoor()
  // Without a name in the address the first live stream plays, and goes on when another one comes.
  const last = useRef<string | undefined>(undefined)
  const watched = name ?? last.current ?? live?.streams[0]?.name
  if (page === 'watch') last.current = watched
  const view = (): ComponentChild => {
    if (page === 'publish') return h(PublishView, { key: `publish ${name}`, name: name ?? 'live/cam', rtmp })
    if (page === 'bridges') return h(BridgesView, { key: `bridges ${name}`, stream: name ?? 'live/cam' })
    if (page === 'calls') return h(CallsView, {})
    if (watched !== undefined) return h(WatchView, { key: `watch ${watched}`, name: watched, rtmp })
    return live === undefined || live.lost ? null : h(EmptyView, { refused: live.refused, rtmp })
  }
  const current = page === 'watch' ? watched : undefined
  return h(
    Fragment,
    {},
    h(Header, { page }),
    h(
      'main',
      { class: 'layout' },
      h(KeyForm, {}),
      h('div', { id: 'view' }, view()),
      h(StreamList, { streams: live?.streams ?? [], title: listTitle(live), current }),
    ),
  )
}
