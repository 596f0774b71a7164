/** The page: a list of what is live, one view beside it, chosen by the part of the address behind the #. */

import { findRtmpDoor, listStreams, Refusal, type StreamView } from './api.ts'
import { bridgesView } from './bridges-view.ts'
import { h } from './element.ts'
import { publishLinks } from './links.ts'
import { every } from './parts.ts'
import { publishView } from './publish-view.ts'
import { rememberStreams } from './stream-history.ts'
import { createStreamList } from './stream-list.ts'
import { takeToken } from './token.ts'
import { type View, watchView } from './watch-view.ts'

const stageArea = document.querySelector('#view') as HTMLElement
const sideArea = document.querySelector('#side') as HTMLElement
const list = createStreamList()
sideArea.append(list.element)

let rtmp: string | undefined
let view: View | undefined
let shown: string | undefined
let streams: readonly StreamView[] = []
let refused = false

type Page = 'watch' | 'publish' | 'bridges'
interface Route {
  readonly page: Page
  readonly name: string | undefined
}

const decode = (hash: string): string => {
  try {
    return decodeURI(hash)
  } catch {
    return hash
  }
}

const readRoute = (): Route => {
  takeToken()
  const [, page, name] = /^#\/(watch|publish|bridges)(?:\/(.+))?$/.exec(decode(location.hash)) ?? []
  return { page: (page as Page | undefined) ?? 'watch', name }
}

const emptyView = (): View => {
  const title = refused ? 'Streams are not shown without a key' : 'Nothing is live yet'
  const text = 'As soon as something is published it plays here.'
  const link = h('a', { class: 'primary', href: '#/publish' }, 'Publish from this browser')
  const hero = h('div', { class: 'stage empty' }, h('h1', {}, title), h('p', {}, text), link)
  return {
    element: h('div', { class: 'main' }, hero, publishLinks('live/cam', rtmp)),
    close: () => undefined,
  }
}

/** Without a name in the address, the first live stream plays. */
const viewFor = ({ page, name }: Route): readonly [key: string, make: () => View] => {
  if (page === 'publish') return [`publish ${name ?? ''}`, () => publishView(name ?? 'live/cam', rtmp)]
  if (page === 'bridges') return [`bridges ${name ?? ''}`, () => bridgesView(name)]
  const chosen = name ?? (shown?.startsWith('watch ') ? shown.slice('watch '.length) : streams[0]?.name)
  return chosen === undefined
    ? [refused ? 'refused' : 'empty', emptyView]
    : [`watch ${chosen}`, () => watchView(chosen, rtmp)]
}

const render = (): void => {
  const route = readRoute()
  const [key, make] = viewFor(route)
  list.show(streams, key.startsWith('watch ') ? key.slice('watch '.length) : undefined)
  for (const link of document.querySelectorAll<HTMLAnchorElement>('nav a'))
    link.toggleAttribute('aria-current', link.dataset.page === route.page)
  if (key === shown) return
  shown = key
  view?.close()
  view = make()
  stageArea.replaceChildren(view.element)
}

addEventListener('hashchange', render)
addEventListener('pagehide', () => view?.close())
takeToken()
rtmp = await findRtmpDoor().catch(() => undefined)
every(2000, async () => {
  try {
    streams = await listStreams()
    refused = false
    rememberStreams(streams)
  } catch (error) {
    refused = error instanceof Refusal
  }
  render()
})
