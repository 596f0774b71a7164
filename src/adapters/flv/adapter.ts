import type { CodecId } from '../../media/types.ts'
import type { Adapter, Capability } from '../adapter.ts'
import { type FlvConfig, flvConfig, flvReload } from './config.ts'
import { pullFile } from './file-source.ts'
import { mountHttpFlv } from './http.ts'
import { pullHttp } from './http-source.ts'
import { pushFlv } from './recorder.ts'

const frames = (codecs: readonly CodecId[], note?: string): readonly Capability[] =>
  codecs.map(codec => ({ codec, form: 'frame', ...(note === undefined ? {} : { note }) }))

const LEGACY = ['h264', 'aac', 'mp3', 'pcmu', 'pcma'] as const
const ENHANCED = 'Enhanced RTMP'

/** FLV: files as sources and as recordings, HTTP-FLV as a source and for viewers. */
export const flv: Adapter<FlvConfig> = {
  name: 'flv',
  schemes: ['file', 'http', 'https'],
  config: flvConfig,
  reload: flvReload,
  ingests: [...frames(LEGACY), ...frames(['h265', 'av1', 'vp9', 'vp8', 'opus'], ENHANCED)],
  egresses: [
    ...frames(LEGACY),
    ...frames(['h265', 'av1', 'vp9', 'vp8'], ENHANCED),
    ...frames(['opus'], `${ENHANCED}, when configured`),
  ],
  async listen(context, config) {
    mountHttpFlv(context, config)
    return undefined
  },
  pull: (context, config, url, publication) =>
    url.protocol === 'file:'
      ? pullFile(context, url, publication)
      : pullHttp(context, config, url, publication),
  push: pushFlv,
}
