/** Doors of signalling: where each listens, and what is told of it. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { isNetwork } from '../../../net/networks.ts'

const port = z.int().min(0).max(65_535)
export const listen = (number: number) =>
  z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(number) })

export const ip = z.string().refine(text => isIP(text) !== 0, 'is not an IP address')
export const networks = z.array(
  z.string().refine(isNetwork, 'is not an IP address or a network such as 10.0.0.0/8'),
)

/** `203.0.113.5`, `203.0.113.5:6060`, `[2001:db8::1]:6060`; undefined for anything else. */
export const readExternal = (text: string): { readonly host: string; readonly port?: number } | undefined => {
  if (isIP(text) !== 0) return { host: text }
  const [, v6, v4, digits] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text) ?? []
  const host = v6 ?? v4 ?? ''
  const number = Number(digits)
  return isIP(host) === 0 || number < 1 || number > 65_535 ? undefined : { host, port: number }
}
const external = z
  .string()
  .refine(text => readExternal(text) !== undefined, 'is not an IP address, with or without a port')

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text

/** What each door may have of its own. */
const outside = {
  /** Its address, perhaps with a port, as others see it; null: as it is bound. Left out: `sip.external`. */
  external: external.nullable().optional(),
  /** Who is told the address that it is bound to, and is called through it. Left out: `sip.local`. */
  local: networks.optional(),
}
const pem = z.string().min(1)
/** Pages that may call over WebSocket: `https://phone.example`; `*`: all. Those of the gateway's own address always. */
const origins = z
  .array(
    z
      .string()
      .refine(text => text === '*' || isOrigin(text), 'is not an origin such as https://phone.example'),
  )
  .default([])

export const tlsSchema = z.strictObject({
  listen: listen(5061).prefault({}),
  /** PEM files: the certificate with its chain, and its private key. */
  cert: pem,
  key: pem,
  ...outside,
})

const isPair = ({ cert, key }: { cert?: string | undefined; key?: string | undefined }): boolean =>
  (cert === undefined) === (key === undefined)

export const wsSchema = z
  .strictObject({
    listen: listen(5066).prefault({}),
    /** PEM files, with which it is `wss:`. */
    cert: pem.optional(),
    key: pem.optional(),
    origins,
    ...outside,
  })
  .refine(isPair, 'needs both cert and key, or neither')

const kinds = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const

/** One more door. */
export const listenerSchema = z
  .strictObject({
    listen: listen(5060),
    transport: z
      .preprocess(value => (Array.isArray(value) ? value : [value]), z.array(z.enum(kinds)).min(1))
      .default(['udp', 'tcp']),
    cert: pem.optional(),
    key: pem.optional(),
    origins,
    ...outside,
  })
  .refine(isPair, 'needs both cert and key, or neither')
  .refine(
    ({ transport, cert }) => cert !== undefined || !transport.some(kind => kind === 'tls' || kind === 'wss'),
    'needs cert and key for tls and wss',
  )

export type SipListener = z.output<typeof listenerSchema>
