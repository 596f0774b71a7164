/** Small made-up media for tests of the core, where content does not matter and times do. */
import { type Converters, mediaConverters } from '../../src/core/converters.ts'
import { buildAudioSpecificConfig, createAacParams } from '../../src/media/aac/config.ts'
import type {
  AacParameters,
  CodecParameters,
  Frame,
  H264Parameters,
  OpusParameters,
  RtpPacket,
  VpxParameters,
} from '../../src/media/types.ts'

const video = { kind: 'video', clockRate: 90_000 } as const

export const vp8: VpxParameters = { ...video, codec: 'vp8', profile: 0, size: { width: 640, height: 360 } }
export const vp9: VpxParameters = { ...video, codec: 'vp9', profile: 0, size: undefined }
export const h264: H264Parameters = {
  ...video,
  codec: 'h264',
  sps: Uint8Array.of(0x67, 0x42, 0xe0, 0x1f),
  pps: [Uint8Array.of(0x68, 0xce)],
  profileLevelId: '42e01f',
  size: { width: 1280, height: 720 },
  reordered: false,
  maxReorder: 0,
}
export const opus: OpusParameters = { codec: 'opus', kind: 'audio', clockRate: 48_000, channels: 2, fmtp: '' }
export const aac: AacParameters = createAacParams(buildAudioSpecificConfig(44_100, 2))

/** Picture `i` of a 30 fps track with a key frame every `gop` pictures; its first byte is `i`. */
export const picture = (i: number, params: CodecParameters = vp8, gop = 30, bytes = 100): Frame => ({
  units: [unitOf(params, i, i % gop === 0, bytes)],
  pts: i * 3000,
  dts: i * 3000,
  duration: 3000,
  key: i % gop === 0,
  params,
  discontinuity: false,
  arrival: 1_000_000 + Math.round((i * 1e6) / 30),
})

/** First bytes that the codec's own key frame test agrees with. */
const unitOf = (params: CodecParameters, i: number, key: boolean, bytes: number): Uint8Array => {
  const unit = new Uint8Array(bytes).fill(i & 0xff)
  if (params.codec === 'h264') unit[0] = key ? 0x65 : 0x41
  if (params.codec === 'vp8') unit.set(key ? [0x10, 0, 0, 0x9d, 0x01, 0x2a] : [0x11, 0, 0])
  return unit
}

/** Audio packet `i`, each `samples` long. */
export const sound = (i: number, params: CodecParameters = aac, samples = 1024): Frame => ({
  units: [new Uint8Array(20).fill(i & 0xff)],
  pts: i * samples,
  dts: i * samples,
  duration: samples,
  key: true,
  params,
  discontinuity: false,
  arrival: 1_000_000 + Math.round((i * samples * 1e6) / params.clockRate),
})

/** Packet `seq`, the `part`-th of `parts` of its picture. */
export const packet = (seq: number, parts = 1, gop = 30, ticks = 3000): RtpPacket => {
  const index = Math.floor(seq / parts)
  const bytes = new Uint8Array(112)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, 0x80)
  view.setUint16(2, seq & 0xffff)
  view.setUint32(4, (index * ticks) >>> 0)
  return {
    bytes,
    payloadStart: 12,
    payloadEnd: 112,
    seq,
    ts: index * ticks,
    marker: seq % parts === parts - 1,
    head: seq % parts === 0,
    key: index % gop === 0,
    arrival: 1_000_000 + Math.round((index * ticks * 1e6) / 90_000),
  }
}

/** The real converters, counted: how many were made, what went through. */
export const countingConverters = () => {
  const counts = { packetisers: 0, packetised: 0, depacketisers: 0, frames: 0, filters: 0 }
  const converters: Converters = {
    packetiser: (params, options, emit) => {
      counts.packetisers++
      const packetiser = mediaConverters.packetiser(params, options, emit)
      return {
        push: frame => {
          counts.packetised++
          packetiser.push(frame)
        },
        get framesDropped() {
          return packetiser.framesDropped
        },
      }
    },
    depacketiser: (params, events) => {
      counts.depacketisers++
      const onFrame = (frame: Frame): void => {
        counts.frames++
        events.onFrame(frame)
      }
      return mediaConverters.depacketiser(params, { ...events, onFrame })
    },
    bFrameFilter: () => {
      counts.filters++
      return mediaConverters.bFrameFilter()
    },
  }
  return { converters, counts }
}
