import { z } from 'zod'
import { isNetwork } from '../../net/networks.ts'
import type { ReloadClass } from '../adapter.ts'

const port = z.int().min(1).max(65_535)
const network = z.string().refine(isNetwork, 'is not an IP address or a network such as 10.0.0.0/8')

/** The `rtp` section of the configuration; what a URL says for itself goes before it. */
export const rtpConfig = z.strictObject({
  /** Local ports that destinations are sent from, in pairs of an even one and the next; null: any that are free. */
  ports: z
    .strictObject({ min: port, max: port })
    .refine(({ min, max }) => min < max, 'needs a pair of ports: min below max')
    .nullable()
    .default(null),
  /** Who may send to a source that names nobody; empty: anybody, and the first that does. */
  allow: z.array(network).default([]),
  /** A source that was heard ends after so much silence. */
  timeoutMs: z.int().min(100).default(10_000),
  /** The largest payload of sources that do not say: what fits an Ethernet frame. */
  maxPayloadBytes: z.int().min(200).max(65_000).default(1460),
})

export type RtpConfig = z.output<typeof rtpConfig>

/** What is open keeps what it was opened with. */
export const rtpReload = {
  ports: 'next-session',
  allow: 'next-session',
  timeoutMs: 'next-session',
  maxPayloadBytes: 'next-session',
} as const satisfies Record<keyof RtpConfig, ReloadClass>
