/** What services that take streams want of them. Pure data; the numbers are theirs. */
import type { CodecId } from '../media/types.ts'

/** Limits of the picture's bit rate from a height on, in kbit/s. */
export interface RateLimit {
  readonly height: number
  /** For more than 35 pictures a second. */
  readonly fast?: boolean
  readonly minKbps: number
  readonly maxKbps: number
}

export interface DestinationProfile {
  readonly name: string
  /** There must be sound: where the source has none, silence. */
  readonly needsAudio: boolean
  /** AAC at one of these rates, best first; empty: any. */
  readonly audioRates: readonly number[]
  readonly audioMinKbps: number
  readonly videoCodecs: readonly CodecId[]
  /** profile_idc values of H.264, and level_idc at most. */
  readonly h264Profiles: readonly number[]
  readonly h264MaxLevel: number
  /** A key frame at least this often; undefined: as the source makes them. */
  readonly keyframeMs: number | undefined
  /** From the greatest height down; the first that applies counts. */
  readonly rates: readonly RateLimit[]
}

const baseline = 66
const main = 77
const high = 100

const common = {
  needsAudio: true,
  audioRates: [48_000, 44_100],
  audioMinKbps: 64,
  videoCodecs: ['h264'],
  h264Profiles: [baseline, main, high],
  keyframeMs: 2_000,
} as const

const generic: DestinationProfile = {
  ...common,
  name: 'generic',
  h264MaxLevel: 62,
  rates: [],
}

/** support.google.com/youtube/answer/2853702 */
const youtube: DestinationProfile = {
  ...common,
  name: 'youtube',
  h264MaxLevel: 52,
  rates: [
    { height: 2160, minKbps: 8_000, maxKbps: 51_000 },
    { height: 1440, minKbps: 5_000, maxKbps: 30_000 },
    { height: 1080, fast: true, minKbps: 4_000, maxKbps: 12_000 },
    { height: 1080, minKbps: 3_000, maxKbps: 10_000 },
    { height: 720, minKbps: 1_500, maxKbps: 8_000 },
    { height: 0, minKbps: 300, maxKbps: 4_000 },
  ],
}

/** developers.facebook.com/docs/live-video-api: RTMPS only, level 4.2 at most */
const facebook: DestinationProfile = {
  ...common,
  name: 'facebook',
  h264MaxLevel: 42,
  rates: [
    { height: 1080, fast: true, minKbps: 4_500, maxKbps: 9_000 },
    { height: 1080, minKbps: 3_000, maxKbps: 6_000 },
    { height: 720, minKbps: 1_500, maxKbps: 4_000 },
    { height: 480, minKbps: 600, maxKbps: 2_000 },
    { height: 0, minKbps: 300, maxKbps: 1_000 },
  ],
}

/** twitch.tv/creatorcamp, broadcast recommendations */
const twitch: DestinationProfile = {
  ...common,
  name: 'twitch',
  h264MaxLevel: 52,
  rates: [
    { height: 1080, minKbps: 3_000, maxKbps: 8_500 },
    { height: 720, minKbps: 1_500, maxKbps: 6_000 },
    { height: 0, minKbps: 300, maxKbps: 6_000 },
  ],
}

/** The services by name, with where they take streams. */
export const PROFILES = {
  youtube: {
    profile: youtube,
    ingest: {
      url: 'rtmps://a.rtmps.youtube.com:443/live2',
      backup: 'rtmps://b.rtmps.youtube.com:443/live2?backup=1',
    },
  },
  facebook: { profile: facebook, ingest: { url: 'rtmps://rtmp-api.facebook.com:443/rtmp' } },
  twitch: { profile: twitch, ingest: { url: 'rtmps://ingest.global-contribute.live-video.net:443/app' } },
} as const

export type ServiceName = keyof typeof PROFILES

/** The profile of that name; `generic` wants sound and key frames, and leaves the rest open. */
export const findProfile = (name: string): DestinationProfile | undefined =>
  name === 'generic' ? generic : PROFILES[name as ServiceName]?.profile
