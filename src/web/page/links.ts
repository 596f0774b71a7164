/** Where else a stream is found, and how to send one: addresses to copy. */
import { encodeName } from './api.ts'
import { h } from './element.ts'
import { copyField } from './parts.ts'

/** RTMP splits a name into application and key at its first slash. */
const splitName = (name: string): readonly [app: string, key: string] => {
  const cut = name.indexOf('/')
  return cut < 0 ? [name, ''] : [name.slice(0, cut), name.slice(cut + 1)]
}

export const playLinks = (name: string, rtmp: string | undefined): HTMLElement =>
  h(
    'section',
    { class: 'card', 'aria-label': 'Play elsewhere' },
    h('h2', {}, 'Play it elsewhere'),
    copyField('HTTP-FLV', `${location.origin}/${encodeName(name)}.flv`),
    rtmp === undefined ? undefined : copyField('RTMP', `rtmp://${rtmp}/${name}`),
    copyField('WHEP', `${location.origin}/whep/${encodeName(name)}`),
    copyField('ffplay', `ffplay -fflags nobuffer ${location.origin}/${encodeName(name)}.flv`),
  )

export const publishLinks = (name: string, rtmp: string | undefined): HTMLElement => {
  const [app, key] = splitName(name)
  const ffmpeg = `ffmpeg -re -i input.mp4 -c:v libx264 -bf 0 -g 60 -c:a aac -f flv rtmp://${rtmp}/${name}`
  return h(
    'section',
    { class: 'card', 'aria-label': 'Send from another program' },
    h('h2', {}, 'Or send from OBS or ffmpeg'),
    ...(rtmp === undefined
      ? []
      : [
          copyField('OBS server', `rtmp://${rtmp}/${app}`),
          copyField('OBS stream key', key === '' ? app : key),
          copyField('ffmpeg', ffmpeg),
        ]),
    copyField('WHIP', `${location.origin}/whip/${encodeName(name)}`),
  )
}
