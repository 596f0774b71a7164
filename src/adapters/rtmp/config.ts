import { z } from 'zod'
import type { ReloadClass } from '../adapter.ts'

const port = z.int().min(0).max(65_535)
const ms = z.int().min(1)

/** The `rtmp` section of the configuration. */
export const rtmpConfig = z.strictObject({
  /** Where publishers and players connect; null: nowhere. */
  listen: z
    .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(1935) })
    .nullable()
    .prefault({}),
  /** A second door, with TLS. The certificate is taken anew when its files change; sessions go on. */
  rtmps: z
    .strictObject({
      listen: z
        .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(1936) })
        .prefault({}),
      /** PEM files: the certificate with its chain, and its private key. */
      cert: z.string().min(1),
      key: z.string().min(1),
    })
    .optional(),
  /** Connections at once, through both doors together; further ones are hung up on. */
  maxConnections: z.int().min(1).default(1000),
  /** From the connection to publish or play. */
  handshakeTimeoutMs: ms.default(10_000),
  /** A publisher that sends nothing for so long is let go. */
  publisherIdleMs: ms.default(30_000),
  /** A reader that is behind by more is skipped ahead to a key frame; behind for longer than `readerGiveUpMs`, it is let go. */
  readerHighWaterBytes: z
    .int()
    .min(65_536)
    .default(4 << 20),
  readerGiveUpMs: ms.default(10_000),
  /** Connecting to a remote server, up to its permission to publish or play. */
  connectTimeoutMs: ms.default(10_000),
  /** A remote source that sends nothing for so long has failed. */
  sourceIdleMs: ms.default(15_000),
  /** Towards rtmps:// servers. */
  tls: z
    .strictObject({
      /** A PEM file with further trusted authorities, for rtmps:// servers with a certificate of your own. */
      caFile: z.string().min(1).optional(),
      /** false: any certificate of an rtmps:// server is taken. */
      rejectUnauthorized: z.boolean().default(true),
    })
    .prefault({}),
})

export type RtmpConfig = z.output<typeof rtmpConfig>

/** All but the doors is read when a connection comes or is made. */
export const rtmpReload = {
  listen: 'restart',
  rtmps: 'restart',
  maxConnections: 'next-session',
  handshakeTimeoutMs: 'next-session',
  publisherIdleMs: 'next-session',
  readerHighWaterBytes: 'next-session',
  readerGiveUpMs: 'next-session',
  connectTimeoutMs: 'next-session',
  sourceIdleMs: 'next-session',
  tls: 'next-session',
} as const satisfies Record<keyof RtmpConfig, ReloadClass>
