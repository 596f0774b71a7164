import { isIP } from 'node:net'
import { z } from 'zod'
import type { ReloadClass } from '../adapter.ts'
import type { WebRtcCodec } from './codecs.ts'

const port = z.int().min(0).max(65_535)
const codecs = [
  'h264',
  'h265',
  'vp8',
  'vp9',
  'av1',
  'opus',
  'pcmu',
  'pcma',
  'g722',
] as const satisfies readonly WebRtcCodec[]

/** `IP`, `IP:PORT` or `[IPv6]:PORT`. */
const parseAdvertised = (text: string): { ip: string; port: number | undefined } | undefined => {
  if (isIP(text) !== 0) return { ip: text, port: undefined }
  const match = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(text)
  if (match === null || isIP(match[1]!) === 0 || Number(match[2]) > 65_535 || Number(match[2]) === 0)
    return undefined
  return { ip: match[1]!, port: Number(match[2]) }
}

const advertised = z.string().transform((text, context) => {
  const parsed = parseAdvertised(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'is not an IP address, IP:PORT or [IPv6]:PORT' })
  return z.NEVER
})

/** The `webrtc` section of the configuration. */
export const webrtcConfig = z.strictObject({
  /** The one UDP port of all publishers and viewers; null: no WebRTC. */
  listen: z
    .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(8189) })
    .nullable()
    .prefault({}),
  /** Addresses told to clients in place of our own: behind NAT, in a container. With a port if it differs from ours. */
  advertise: z.array(advertised).default([]),
  /** Codecs taken from publishers, best first. */
  publishCodecs: z
    .array(z.enum(codecs))
    .min(1)
    .default(['h264', 'vp8', 'vp9', 'av1', 'opus', 'pcmu', 'pcma']),
  /** From the answer to the end of the handshake. */
  connectTimeoutMs: z.int().min(1000).default(15_000),
  /** A viewer of a stream that is not live waits this long for it. */
  viewerWaitMs: z.int().min(0).default(0),
})

export type WebRtcConfig = z.output<typeof webrtcConfig>

/** What the port is made of stays with it. */
export const webrtcReload = {
  listen: 'restart',
  advertise: 'restart',
  connectTimeoutMs: 'restart',
  publishCodecs: 'next-session',
  viewerWaitMs: 'next-session',
} as const satisfies Record<keyof WebRtcConfig, ReloadClass>
