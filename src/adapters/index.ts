/** The list of adapters: a new protocol is one folder and one line here. */
import type { Adapter } from './adapter.ts'
import { flv } from './flv/adapter.ts'
import { rtmp } from './rtmp/adapter.ts'
import { rtp } from './rtp/adapter.ts'
import { sip } from './sip/adapter.ts'
import { webrtc } from './webrtc/adapter.ts'

export const adapters: readonly Adapter<unknown>[] = [rtmp, webrtc, flv, rtp, sip]
