/** An egress between a stream and a destination with a profile: it repairs what it can and measures the rest. */
import { createScope } from '../core/scope.ts'
import type { Accept, Clock, Egress, EgressSink, OpenTrack, Plan, TrackInfo } from '../core/types.ts'
import { toGatewayError } from '../errors.ts'
import { buildAudioSpecificConfig, createAacParams } from '../media/aac/config.ts'
import type { AacParameters, Frame, PictureSize } from '../media/types.ts'
import { createKeyframePace } from './keyframe-pace.ts'
import { KeyframeRarity } from './keyframe-rarity.ts'
import { Measure } from './measure.ts'
import { type Check, preflight } from './preflight.ts'
import type { DestinationProfile } from './profiles.ts'
import { SilenceFiller, type SilenceOptions } from './silence.ts'
import { createSilentTrack } from './silent-track.ts'

export interface ProfiledEgress extends Egress {
  /** What `accepts` asked to be encoded is not: from now on it is taken as it comes. */
  doWithoutEncoder(): void
  /** `tracks`: the source's, now. */
  checks(tracks: readonly TrackInfo[], plan: Plan | undefined): readonly Check[]
}
export interface ProfileParts {
  readonly clock: Clock
  /** What goes in has to be encoded anew, or need not any more: `accepts` has changed. */
  readonly onAccepts?: () => void
  /** Sound can be brought into the form that is wanted; if not, it goes out as it is. */
  readonly canTranscode: boolean
}

const tickUs = 100_000
const defaultSilence = createAacParams(buildAudioSpecificConfig(48_000, 2))
const aacFrameSamples = 1024

type FrameEnd = EgressSink & { readonly form: 'frame' }

/** Only an encoder keeps a size, so that asking for the one there is has the picture encoded; else it goes out as it is. */
const encoded = (accept: Accept, size: PictureSize | undefined): readonly Accept[] =>
  size === undefined
    ? [accept]
    : [
        { ...accept, size },
        { ...accept, doubtful: true },
      ]

/** What the egress takes, as far as the destination wants it. `encode`: pictures of this size have to be encoded anew. */
export const profileAccepts = (
  accepts: readonly Accept[],
  { videoCodecs, audioRates }: DestinationProfile,
  canTranscode: boolean,
  encode?: PictureSize,
): readonly Accept[] =>
  accepts.flatMap(accept => {
    if (accept.kind === 'video') return videoCodecs.includes(accept.codec) ? encoded(accept, encode) : []
    if (accept.kind === 'data') return [accept]
    if (accept.codec !== 'aac') return []
    return audioRates.length === 0 || !canTranscode
      ? [accept]
      : audioRates.map(sampleRate => ({ ...accept, sampleRate }))
  })

class Profiled {
  readonly #egress: Egress
  readonly #profile: DestinationProfile
  readonly #clock: Clock
  readonly #canTranscode: boolean
  readonly #scope = createScope('profile')
  readonly #video = new Measure()
  readonly #audio = new Measure()
  readonly #rarity: KeyframeRarity
  #filler: SilenceFiller | undefined
  #hasSound = false
  #lastPictureUs = Number.NEGATIVE_INFINITY

  constructor(egress: Egress, profile: DestinationProfile, { clock, canTranscode, onAccepts }: ProfileParts) {
    this.#egress = egress
    this.#profile = profile
    this.#clock = clock
    this.#canTranscode = canTranscode
    this.#rarity = new KeyframeRarity(profile.keyframeMs, onAccepts)
    egress.signal.addEventListener('abort', () => void this.#scope.close(), { once: true })
  }

  accepts(tracks: readonly TrackInfo[]): readonly Accept[] {
    const encode = this.#canTranscode ? this.#rarity.encode(tracks) : undefined
    return profileAccepts(this.#egress.accepts(tracks), this.#profile, this.#canTranscode, encode)
  }

  /** The encoder that was asked for did not come. */
  doWithoutEncoder(): void {
    this.#rarity.giveUp()
  }

  async open(tracks: readonly OpenTrack[]): Promise<readonly EgressSink[]> {
    const ends = await this.#egress.open(tracks)
    if (this.#profile.needsAudio) await this.#openSilence(tracks)
    return ends.map((end, i) => this.#wrap(end, tracks[i]!))
  }

  checks(tracks: readonly TrackInfo[], plan: Plan | undefined): readonly Check[] {
    const { keyframeMs, kbps, fps } = this.#video
    const measured = { keyframeMs, videoKbps: kbps, audioKbps: this.#audio.kbps, fps }
    return preflight({ profile: this.#profile, tracks, plan, measured })
  }

  /** Opened after the real tracks and apart from them, so that it takes the place of the first sound and not a second's. */
  async #openSilence(tracks: readonly OpenTrack[]): Promise<void> {
    const sound = tracks.find(({ track }) => track.kind === 'audio')?.track.params
    if (sound !== undefined && sound.codec !== 'aac') return
    if (sound === undefined && (this.#hasSound || this.#filler !== undefined || tracks.length === 0)) return
    this.#hasSound ||= sound !== undefined
    const silence = await this.#silenceLike(sound ?? defaultSilence)
    if (silence === undefined) return
    if (this.#filler === undefined) this.#startFiller(silence)
    if (sound !== undefined) this.#filler!.expectSound(silence)
  }

  async #silenceLike(params: AacParameters): Promise<Omit<SilenceOptions, 'clock'> | undefined> {
    const silence = createSilentTrack(params, this.#profile.audioMinKbps, this.#scope.child('silence'))
    if (silence === undefined) return undefined
    const accept = { kind: 'audio', codec: 'aac', form: 'frame' } as const
    const [end] = await this.#egress.open([{ track: silence.track, accept }])
    return end?.form === 'frame' ? { silence, sink: end.sink } : undefined
  }

  #startFiller(silence: Omit<SilenceOptions, 'clock'>): void {
    const filler = new SilenceFiller({ ...silence, clock: this.#clock })
    this.#filler = filler
    let cancel = (): void => undefined
    const tick = (): void => {
      cancel = this.#clock.after(tickUs, tick)
      try {
        filler.tick()
      } catch (thrown) {
        const error = toGatewayError(thrown)
        void this.#egress.close({ code: 'failed', detail: error.message, error })
      }
    }
    tick()
    this.#scope.defer(() => cancel())
  }

  #wrap(end: EgressSink, open: OpenTrack): EgressSink {
    if (end.form !== 'frame') return end
    return open.track.kind === 'video' ? this.#wrapPicture(end, open) : this.#wrapSound(end, open)
  }

  #wrapPicture(end: FrameEnd, open: OpenTrack): EgressSink {
    const current = { track: open.track }
    const { keyframeMs } = this.#profile
    const request = (): void => current.track.requestKeyframe()
    // An encoder is behind what was copied until it took over: times never step back.
    let joined = false
    const pace = keyframeMs === undefined ? undefined : createKeyframePace(keyframeMs, request)
    return wrapSink(end, current, frame => {
      const us = current.track.clock.toStreamTime(frame.dts)
      if (!joined && (!frame.key || us <= this.#lastPictureUs)) {
        request()
        return false
      }
      joined = true
      this.#lastPictureUs = us
      this.#filler?.picture(us)
      pace?.picture(us, frame.key)
      this.#video.count(frame, us)
      if (!current.track.keyframeOnRequest) this.#rarity.measured(this.#video.keyframeMs)
      return true
    })
  }

  #wrapSound(end: FrameEnd, open: OpenTrack): EgressSink {
    const current = { track: open.track }
    return wrapSink(end, current, frame => {
      const { clock } = current.track
      const us = clock.toStreamTime(frame.dts)
      const durationUs = ((frame.duration || aacFrameSamples) * 1e6) / clock.rate
      if (this.#filler?.sound(us, durationUs) === false) return false
      this.#audio.count(frame, us)
      return true
    })
  }
}

/** `passes` sees each frame first, and says whether it goes on. */
const wrapSink = (
  end: FrameEnd,
  current: { track: OpenTrack['track'] },
  passes: (frame: Frame) => boolean,
): EgressSink => {
  const { sink } = end
  const retarget = (open: OpenTrack): void => {
    current.track = open.track
    end.retarget?.(open)
  }
  return {
    form: 'frame',
    sink: {
      write: frame => {
        if (passes(frame)) sink.write(frame)
      },
      failed: error => sink.failed?.(error),
    },
    ...(end.retarget === undefined ? {} : { retarget }),
  }
}

/** Goes in front of `egress`, which must take late tracks, and lives as long. */
export const profileEgress = (
  egress: Egress,
  profile: DestinationProfile,
  parts: ProfileParts,
): ProfiledEgress => {
  const profiled = new Profiled(egress, profile, parts)
  return {
    label: egress.label,
    pressure: egress.pressure,
    takesLateTracks: true,
    accepts: tracks => profiled.accepts(tracks),
    doWithoutEncoder: () => profiled.doWithoutEncoder(),
    open: tracks => profiled.open(tracks),
    checks: (tracks, plan) => profiled.checks(tracks, plan),
    backlog: () => egress.backlog?.() ?? 0,
    ...(egress.progress === undefined ? {} : { progress: () => egress.progress!() }),
    close: reason => egress.close(reason),
    closed: egress.closed,
    signal: egress.signal,
    [Symbol.asyncDispose]: () => egress.close(),
  }
}
