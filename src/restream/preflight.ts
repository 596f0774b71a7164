/** What a destination wants of the media, beside what it gets, and what is done about the difference. Pure. */
import type { Plan, TrackInfo } from '../core/types.ts'
import type { CodecParameters, H264Parameters } from '../media/types.ts'
import type { DestinationProfile, RateLimit } from './profiles.ts'

export interface Check {
  readonly check: 'audio' | 'audio-bitrate' | 'video' | 'h264-profile' | 'keyframes' | 'bitrate'
  /** What the source has suits the destination as it is; null: not measured yet. */
  readonly ok: boolean | null
  readonly measured: string
  readonly wanted: string
  /** What is done so that the destination gets what it wants; null: nothing is done. */
  readonly repair: string | null
}

/** As it goes out now, where it was measured; else as the source says. */
export interface Measured {
  readonly keyframeMs: number | undefined
  readonly videoKbps: number | undefined
  readonly audioKbps: number | undefined
  readonly fps: number | undefined
}

export interface PreflightInput {
  readonly profile: DestinationProfile
  /** Those of the source count. */
  readonly tracks: readonly TrackInfo[]
  readonly plan: Plan | undefined
  readonly measured: Measured
}

/** Key frames come in time when they are this little late. */
const toleranceMs = 100
const unmeasured = 'not measured yet'

const describeAudio = (params: CodecParameters): string =>
  `${params.codec} ${params.clockRate} Hz${'channels' in params ? ` ${params.channels} ch` : ''}`

const plannedOf = (plan: Plan | undefined, track: TrackInfo) =>
  plan?.ok === true ? plan.tracks.find(({ source }) => source === track.id) : undefined

const isTranscoded = (plan: Plan | undefined, track: TrackInfo): boolean =>
  plannedOf(plan, track)?.steps.some(({ op }) => op === 'transcode') === true

const checkAudio = ({ profile, tracks, plan }: PreflightInput): Check => {
  const rates = profile.audioRates
  const wanted = `aac${rates.length === 0 ? '' : ` at ${rates.join(' or ')} Hz`}`
  const track = tracks.find(({ kind }) => kind === 'audio')
  const silence = profile.needsAudio ? 'silence is inserted' : null
  if (track === undefined) return { check: 'audio', ok: false, measured: 'none', wanted, repair: silence }
  const { params } = track
  const ok = params.codec === 'aac' && (rates.length === 0 || rates.includes(params.clockRate))
  const transcoded = isTranscoded(plan, track) ? 'transcoded to aac' : null
  const left = plan?.ok === true && plannedOf(plan, track) === undefined ? silence : null
  return {
    check: 'audio',
    ok,
    measured: describeAudio(params),
    wanted,
    repair: ok ? null : (transcoded ?? left),
  }
}

const checkVideo = ({ profile, plan }: PreflightInput, track: TrackInfo | undefined): Check => {
  const wanted = profile.videoCodecs.join(' or ')
  if (track === undefined) return { check: 'video', ok: false, measured: 'none', wanted, repair: null }
  const { codec } = track.params
  const ok = profile.videoCodecs.includes(codec)
  const repair =
    !ok && isTranscoded(plan, track) ? `transcoded to ${plannedOf(plan, track)!.accept.codec}` : null
  return { check: 'video', ok, measured: codec, wanted, repair }
}

const profileNames: Readonly<Record<number, string>> = {
  66: 'baseline',
  77: 'main',
  88: 'extended',
  100: 'high',
  110: 'high 10',
  122: 'high 4:2:2',
  244: 'high 4:4:4',
}
const nameOf = (profile: number): string => profileNames[profile] ?? `profile ${profile}`
const levelOf = (level: number): string => `${Math.floor(level / 10)}.${level % 10}`

const checkProfile = (input: PreflightInput, { params }: TrackInfo): Check => {
  const { h264Profiles, h264MaxLevel } = input.profile
  const wanted = `${h264Profiles.map(nameOf).join(', ')}, level up to ${levelOf(h264MaxLevel)}`
  const id = (params as H264Parameters).profileLevelId
  if (id === undefined) return { check: 'h264-profile', ok: null, measured: unmeasured, wanted, repair: null }
  const [profile, level] = [Number.parseInt(id.slice(0, 2), 16), Number.parseInt(id.slice(4, 6), 16)]
  const ok = h264Profiles.includes(profile) && level <= h264MaxLevel
  return { check: 'h264-profile', ok, measured: `${nameOf(profile)} ${levelOf(level)}`, wanted, repair: null }
}

const checkKeyframes = ({ profile, measured, plan }: PreflightInput, track: TrackInfo): Check => {
  const limit = profile.keyframeMs!
  const ms = measured.keyframeMs ?? track.stats?.keyframeIntervalMs
  const transcoded = isTranscoded(plan, track)
  const asked = track.keyframeOnRequest ? 'the source is asked for them' : null
  return {
    check: 'keyframes',
    ok: ms === undefined ? null : ms <= limit + toleranceMs,
    measured: ms === undefined ? unmeasured : `every ${(ms / 1000).toFixed(1)} s`,
    wanted: `every ${limit / 1000} s or less`,
    repair: transcoded ? 'the picture is encoded anew' : asked,
  }
}

const limitFor = (rates: readonly RateLimit[], height: number, fps: number): RateLimit | undefined =>
  rates.find(rate => height >= rate.height && (rate.fast !== true || fps > 35))

const between = (kbps: number | undefined, min: number, max: number | undefined): boolean | null =>
  kbps === undefined || kbps === 0 ? null : kbps >= min && (max === undefined || kbps <= max)

const shown = (kbps: number | undefined): string =>
  kbps === undefined || kbps === 0 ? unmeasured : `${Math.round(kbps)} kbit/s`

const checkBitrate = ({ profile, measured }: PreflightInput, track: TrackInfo): Check | undefined => {
  const { stats, params } = track
  const height = 'size' in params ? (params.size?.height ?? 0) : 0
  const fps = measured.fps ?? stats?.framesPerSecond ?? 0
  const limit = limitFor(profile.rates, height, fps)
  if (limit === undefined) return undefined
  const kbps = measured.videoKbps ?? (stats === undefined ? undefined : stats.bitsPerSecond / 1000)
  const picture = height === 0 ? '' : ` for ${height}p${fps > 0 ? Math.round(fps) : ''}`
  return {
    check: 'bitrate',
    ok: between(kbps, limit.minKbps, limit.maxKbps),
    measured: shown(kbps),
    wanted: `${limit.minKbps} to ${limit.maxKbps} kbit/s${picture}`,
    repair: null,
  }
}

const checkAudioRate = ({ profile, tracks, measured }: PreflightInput): Check | undefined => {
  const track = tracks.find(({ kind }) => kind === 'audio')
  if (track === undefined || profile.audioMinKbps === 0) return undefined
  const ofSource = track.params.codec === 'aac' ? (track.stats?.bitsPerSecond ?? 0) / 1000 : undefined
  const kbps = measured.audioKbps ?? ofSource
  return {
    check: 'audio-bitrate',
    ok: between(kbps, profile.audioMinKbps, undefined),
    measured: shown(kbps),
    wanted: `${profile.audioMinKbps} kbit/s or more`,
    repair: null,
  }
}

/** One row for each thing that the destination cares about. */
export const preflight = (all: PreflightInput): readonly Check[] => {
  const input = { ...all, tracks: all.tracks.filter(({ derivedFrom }) => derivedFrom === undefined) }
  const track = input.tracks.find(({ kind }) => kind === 'video')
  const checks: (Check | undefined)[] = [checkAudio(input), checkAudioRate(input), checkVideo(input, track)]
  if (track !== undefined) {
    if (track.params.codec === 'h264') checks.push(checkProfile(input, track))
    if (input.profile.keyframeMs !== undefined) checks.push(checkKeyframes(input, track))
    checks.push(checkBitrate(input, track))
  }
  return checks.filter(check => check !== undefined)
}

/** "audio: none, wanted aac at 48000 or 44100 Hz: silence is inserted", for people. */
export const describeCheck = ({ check, ok, measured, wanted, repair }: Check): string => {
  const verdict = ok === true ? 'ok' : ok === null ? '?' : repair === null ? 'PROBLEM' : 'repaired'
  const done = repair === null ? '' : `; ${repair}`
  return `${verdict}  ${check}: ${measured}, wanted ${wanted}${done}`
}
