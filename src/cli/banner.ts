/** Addresses to copy: how to publish to a running gateway and how to play from it. */
import { matchesAny } from '../access/pattern.ts'
import type { Rule } from '../access/schema.ts'
import { formatAddress } from '../config/address.ts'
import type { Gateway } from '../gateway.ts'
import { columns, print, strong } from './print.ts'

/** `http://127.0.0.1:8080`; undefined when there is no such door. */
export const doorUrl = (gateway: Gateway, name: string): string | undefined => {
  const door = gateway.doors.get(name)
  return door && `${door.scheme ?? name}://${formatAddress({ host: door.address, port: door.port })}`
}

/** What must be written behind `live/cam` to be let in; none where somebody is without. */
const credential = (rules: readonly Rule[]): string => {
  const about = rules.filter(({ streams }) => matchesAny(streams, 'live/cam'))
  if (about.some(({ key, jwt }) => key === undefined && jwt === undefined)) return ''
  if (about.some(({ key }) => key !== undefined)) return '?key=KEY'
  return about.length > 0 ? '?token=TOKEN' : ''
}

const quoted = (url: string): string => (url.includes('?') ? `'${url}'` : url)

const publishRows = (http: string, rtmp: string | undefined, wanted: string): string[][] => [
  ['browser', `${http}/#/publish/live/cam`],
  ...(rtmp === undefined
    ? []
    : [
        ['OBS', `server ${rtmp}/live  stream key cam${wanted}`],
        [
          'ffmpeg',
          `ffmpeg -re -i input.mp4 -c:v libx264 -bf 0 -g 60 -c:a aac -f flv ${quoted(`${rtmp}/live/cam${wanted}`)}`,
        ],
      ]),
  ['WHIP', `${http}/whip/live/cam${wanted}`],
]

const playRows = (http: string, rtmp: string | undefined, wanted: string): string[][] => [
  ['browser', `${http}/#/watch/live/cam`],
  ['FLV', `ffplay -fflags nobuffer ${quoted(`${http}/live/cam.flv${wanted}`)}`],
  ...(rtmp === undefined ? [] : [['RTMP', `ffplay -fflags nobuffer ${quoted(`${rtmp}/live/cam${wanted}`)}`]]),
  ['WHEP', `${http}/whep/live/cam${wanted}`],
]

const callRows = (sip: string, rules: number): string[][] => {
  const where = sip.replace(/^sips?:\/\//, '')
  const who = rules === 0 ? 'refused: sip.routes has no rule yet' : 'as the rules of sip.routes say'
  return [
    ['phone', `sip:NUMBER@${where}, ${who}`],
    ['which?', `crosspoint sip explain sip:NUMBER@${where}`],
  ]
}

export const printBanner = (gateway: Gateway, version: string): void => {
  const http = doorUrl(gateway, 'http')!
  const rtmp = doorUrl(gateway, 'rtmp')
  const doors = [...gateway.doors].map(
    ([name, { address, port }]) => `${name} ${formatAddress({ host: address, port }, '*')}`,
  )
  print(`${strong(`Crosspoint ${version}`)} listens: ${doors.join(', ')}`)
  const { publish, play } = gateway.config.access
  print(
    `\nPublish live/cam (any name will do)\n${columns(publishRows(http, rtmp, credential(publish)), '  ')}`,
  )
  print(`\nPlay it\n${columns(playRows(http, rtmp, credential(play)), '  ')}`)
  const sip = doorUrl(gateway, 'sip')
  const { routes = [] } = (gateway.config.adapters.get('sip') ?? {}) as { routes?: readonly unknown[] }
  if (sip !== undefined) print(`\nCall it\n${columns(callRows(sip, routes.length), '  ')}`)
  print(`\nEverything that is live: ${strong(`${http}/`)}\n`)
}
