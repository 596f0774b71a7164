/** Addresses to copy: how to publish to a running gateway and how to play from it. */
import { formatAddress } from '../config/address.ts'
import type { Gateway } from '../gateway.ts'
import { columns, print, strong } from './print.ts'

/** `http://127.0.0.1:8080`; undefined when there is no such door. */
export const doorUrl = (gateway: Gateway, name: string): string | undefined => {
  const door = gateway.doors.get(name)
  return door && `${door.scheme ?? name}://${formatAddress({ host: door.address, port: door.port })}`
}

const publishRows = (http: string, rtmp: string | undefined): string[][] => [
  ['browser', `${http}/#/publish/live/cam`],
  ...(rtmp === undefined
    ? []
    : [
        ['OBS', `server ${rtmp}/live  stream key cam`],
        ['ffmpeg', `ffmpeg -re -i input.mp4 -c:v libx264 -bf 0 -g 60 -c:a aac -f flv ${rtmp}/live/cam`],
      ]),
  ['WHIP', `${http}/whip/live/cam`],
]

const playRows = (http: string, rtmp: string | undefined): string[][] => [
  ['browser', `${http}/#/watch/live/cam`],
  ['FLV', `ffplay -fflags nobuffer ${http}/live/cam.flv`],
  ...(rtmp === undefined ? [] : [['RTMP', `ffplay -fflags nobuffer ${rtmp}/live/cam`]]),
  ['WHEP', `${http}/whep/live/cam`],
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
  print(`\nPublish live/cam (any name will do)\n${columns(publishRows(http, rtmp), '  ')}`)
  print(`\nPlay it\n${columns(playRows(http, rtmp), '  ')}`)
  const sip = doorUrl(gateway, 'sip')
  const { routes = [] } = (gateway.config.adapters.get('sip') ?? {}) as { routes?: readonly unknown[] }
  if (sip !== undefined) print(`\nCall it\n${columns(callRows(sip, routes.length), '  ')}`)
  print(`\nEverything that is live: ${strong(`${http}/`)}\n`)
}
