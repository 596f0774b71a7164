/** The formats of an own offer and their payload types, which mean the same for the whole call (RFC 3264 8.3.2). */
import type { SdpCodec, SdpMedia } from '../../../media/sdp/types.ts'
import { CODEC_FACTS, eventFormats, knownFormats, packetizationModeOf, profileOf } from './call-codecs.ts'
import type { OwnFormat } from './own-line.ts'
import type { CallCodec, LocalLine } from './types.ts'

/** Events on the clock of Opus, and on that of all others. */
const EVENT_TYPES: Readonly<Record<number, number>> = { 8000: 101, 48000: 110 }
const CONSTRAINED_BASELINE = '42e01f'

interface Wanted {
  /** What a payload type stands for. */
  readonly key: string
  readonly rtpmap: string
  readonly fmtp: string
  readonly payloadType: number
}

const wantedH264 = (profile: string, mode: 0 | 1, sprop: string | undefined): Wanted => ({
  key: `h264 ${profile.slice(0, 4)} ${mode}`,
  rtpmap: CODEC_FACTS.h264.rtpmap,
  fmtp: [
    `profile-level-id=${profile}`,
    `packetization-mode=${mode}`,
    ...(sprop === undefined ? [] : [`sprop-parameter-sets=${sprop}`]),
  ].join(';'),
  payloadType: CODEC_FACTS.h264.payloadType,
})

/** The profile that will be sent first, then what every video telephone can show, in both packetization modes. */
const allH264 = ({ profileLevelId, spropParameterSets: sprop }: LocalLine): readonly Wanted[] => {
  const sent = profileLevelId?.toLowerCase() ?? CONSTRAINED_BASELINE
  const other = sent.startsWith('42') ? undefined : sent
  const isHigher = other === undefined && sent.slice(4) > CONSTRAINED_BASELINE.slice(4)
  const plain = isHigher ? CONSTRAINED_BASELINE.slice(0, 4) + sent.slice(4) : CONSTRAINED_BASELINE
  const plainSets = other === undefined ? sprop : undefined
  return [
    ...(other === undefined ? [] : [wantedH264(other, 1, sprop)]),
    wantedH264(plain, 1, plainSets),
    wantedH264(plain, 0, plainSets),
  ]
}

const wantedCodec = (id: CallCodec, own: LocalLine): readonly Wanted[] => {
  if (id === 'h264') return allH264(own)
  const { rtpmap, payloadType } = CODEC_FACTS[id]
  return [{ key: id, rtpmap, fmtp: id === 'opus' ? 'useinbandfec=1' : '', payloadType }]
}

const wantedEvents = (own: LocalLine, codecs: readonly CallCodec[]): readonly Wanted[] => {
  if (!own.telephoneEvents) return []
  const clocks = new Set(codecs.map(id => CODEC_FACTS[id].clockRate))
  return [...clocks].map(clock => ({
    key: `events ${clock}`,
    rtpmap: `telephone-event/${clock}`,
    fmtp: '0-15',
    payloadType: EVENT_TYPES[clock]!,
  }))
}

const keyOf = (id: CallCodec, { fmtp }: SdpCodec): string =>
  id === 'h264' ? `h264 ${profileOf(fmtp)} ${packetizationModeOf(fmtp)}` : id

const numbersOf = (media: SdpMedia | undefined): readonly (readonly [string, number])[] =>
  media === undefined
    ? []
    : [
        ...knownFormats(media).map(({ id, sdp }) => [keyOf(id, sdp), sdp.payloadType] as const),
        ...eventFormats(media).map(sdp => [`events ${sdp.clockRate}`, sdp.payloadType] as const),
      ]

/** Dynamic numbers (RFC 3551 6). */
const freeNumber = (taken: ReadonlySet<number>): number => {
  for (let number = 96; number < 127; number++) if (!taken.has(number)) return number
  return 127
}

/** `before`: the same line as it was last described by either side, this end first. */
export const offeredFormats = (
  kind: 'audio' | 'video',
  own: LocalLine,
  before: readonly (SdpMedia | undefined)[],
): readonly OwnFormat[] => {
  const codecs = own.codecs.filter(id => CODEC_FACTS[id].kind === kind)
  const known = new Map(before.toReversed().flatMap(numbersOf))
  const taken = new Set(before.flatMap(media => media?.formats.map(Number) ?? []))
  const wanted = [
    ...codecs.flatMap(id => wantedCodec(id, own)),
    ...(kind === 'audio' ? wantedEvents(own, codecs) : []),
  ]
  return wanted.map(({ key, rtpmap, fmtp, payloadType }) => {
    const number = known.get(key) ?? (taken.has(payloadType) ? freeNumber(taken) : payloadType)
    taken.add(number)
    return { payloadType: number, rtpmap, fmtp }
  })
}
