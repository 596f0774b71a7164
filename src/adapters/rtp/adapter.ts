import type { Adapter, Capability } from '../adapter.ts'
import { type RtpConfig, rtpConfig, rtpReload } from './config.ts'
import { pushRtp } from './egress.ts'
import { pullRtp } from './pull.ts'

const codecs: readonly Capability[] = [
  { codec: 'h264', form: 'rtp' },
  { codec: 'h265', form: 'rtp' },
  { codec: 'vp8', form: 'rtp' },
  { codec: 'vp9', form: 'rtp' },
  { codec: 'av1', form: 'rtp' },
  { codec: 'opus', form: 'rtp' },
  { codec: 'aac', form: 'rtp', note: 'RFC 3640, AAC-hbr' },
  { codec: 'pcmu', form: 'rtp' },
  { codec: 'pcma', form: 'rtp' },
  { codec: 'g722', form: 'rtp' },
  { codec: 'l16', form: 'rtp' },
]

/** Plain RTP: what comes to a port, described by a URL or a session description. */
export const rtp: Adapter<RtpConfig> = {
  name: 'rtp',
  schemes: ['rtp', 'udp', 'sdp', 'data'],
  config: rtpConfig,
  reload: rtpReload,
  ingests: codecs,
  egresses: codecs,
  fileOptions: ['sdp'],
  pull: pullRtp,
  push: (context, config, url) => pushRtp(context, url, config.ports ?? undefined),
}
