import { acceptsFlv } from '../../flv-session/egress.ts'
import type { CodecId } from '../../media/types.ts'
import type { Adapter, Capability } from '../adapter.ts'
import { pullRtmp, pushRtmp } from './client.ts'
import { type RtmpConfig, rtmpConfig, rtmpReload } from './config.ts'
import { listenRtmp } from './server.ts'

const frames = (codecs: readonly CodecId[], note?: string): readonly Capability[] =>
  codecs.map(codec => ({ codec, form: 'frame', ...(note === undefined ? {} : { note }) }))

const LEGACY = ['h264', 'aac', 'mp3', 'pcmu', 'pcma'] as const
const ENHANCED = ['h265', 'av1', 'vp9', 'vp8', 'opus'] as const

export const rtmp: Adapter<RtmpConfig> = {
  name: 'rtmp',
  schemes: ['rtmp', 'rtmps'],
  config: rtmpConfig,
  reload: rtmpReload,
  ingests: [...frames(LEGACY), ...frames(ENHANCED, 'Enhanced RTMP')],
  egresses: [...frames(LEGACY), ...frames(ENHANCED, 'Enhanced RTMP')],
  listen: listenRtmp,
  pull: pullRtmp,
  push: pushRtmp,
  // Before it has answered, a server is taken for one that knows nothing of Enhanced RTMP.
  wouldTake: (_config, _url, tracks) => acceptsFlv(tracks, { fourCcs: [] }),
}
