/** Where else a stream is found, and how to send one: addresses to copy. */
import { type ComponentChild, h } from 'preact'
import { encodeName } from './api.ts'
import { CopyField } from './parts.ts'
import { hasToken } from './token.ts'

export interface LinksProps {
  readonly name: string
  /** `host:port` of the RTMP door; undefined when there is none. */
  readonly rtmp: string | undefined
}
type Address = readonly [label: string, value: string]

const fields = (addresses: readonly Address[]): readonly ComponentChild[] =>
  addresses.map(([label, value]) => h(CopyField, { key: label, label, value }))

/** RTMP splits a name into application and key at its first slash. */
const splitName = (name: string): readonly [app: string, key: string] => {
  const cut = name.indexOf('/')
  return cut < 0 ? [name, ''] : [name.slice(0, cut), name.slice(cut + 1)]
}

/** Where a key was wanted of this tab, one is wanted of other programs; its own stays out of what is copied. */
const KeyNote = (): ComponentChild =>
  hasToken()
    ? h('p', { class: 'facts' }, 'Other programs need a key too: put ?key=… or ?token=… behind the address.')
    : null

export const PlayLinks = ({ name, rtmp }: LinksProps): ComponentChild => {
  const flv = `${location.origin}/${encodeName(name)}.flv`
  const addresses: readonly Address[] = [
    ['HTTP-FLV', flv],
    ...(rtmp === undefined ? [] : [['RTMP', `rtmp://${rtmp}/${name}`] as const]),
    ['WHEP', `${location.origin}/whep/${encodeName(name)}`],
    ['ffplay', `ffplay -fflags nobuffer ${flv}`],
  ]
  return h(
    'section',
    { class: 'card', 'aria-label': 'Play elsewhere' },
    h('h2', {}, 'Play it elsewhere'),
    fields(addresses),
    h(KeyNote, {}),
  )
}

const rtmpAddresses = (name: string, rtmp: string): readonly Address[] => {
  const [app, key] = splitName(name)
  return [
    ['OBS server', `rtmp://${rtmp}/${app}`],
    ['OBS stream key', key === '' ? app : key],
    ['ffmpeg', `ffmpeg -re -i input.mp4 -c:v libx264 -bf 0 -g 60 -c:a aac -f flv rtmp://${rtmp}/${name}`],
  ]
}

export const PublishLinks = ({ name, rtmp }: LinksProps): ComponentChild =>
  h(
    'section',
    { class: 'card', 'aria-label': 'Send from another program' },
    h('h2', {}, 'Or send from OBS or ffmpeg'),
    fields([
      ...(rtmp === undefined ? [] : rtmpAddresses(name, rtmp)),
      ['WHIP', `${location.origin}/whip/${encodeName(name)}`],
    ]),
    h(KeyNote, {}),
  )
