/**
 * Every form and codec in, every form and codec out, in memory, real converters, a clock that stands still. What the
 * plan must be is worked out here from the pair alone, not by the code under test.
 */
import { describe, expect, test } from 'vitest'
import { createRegistry } from '../../src/core/registry.ts'
import type { Accept, Plan, Track } from '../../src/core/types.ts'
import { withoutObuSize } from '../../src/media/av1/obu.ts'
import { createAv1Params } from '../../src/media/av1/parameters.ts'
import { createH264Params } from '../../src/media/h264/parameters.ts'
import { createH265Params } from '../../src/media/h265/parameters.ts'
import { createDepacketiser } from '../../src/media/rtp/depacketise.ts'
import { createPacketiser } from '../../src/media/rtp/packetise.ts'
import type { CodecId, CodecParameters, Form, Frame, Kind, RtpPacket } from '../../src/media/types.ts'
import { createVp8Params } from '../../src/media/vp8/header.ts'
import { createVp9Params } from '../../src/media/vp9/header.ts'
import { fakeTranscoder } from '../helpers/fake-transcoder.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import {
  aacFrames,
  av1Frames,
  frameOf,
  h264Frames,
  h265Frames,
  opusFrames,
  vp8Frames,
  vp9Frames,
} from '../helpers/media-fixtures.ts'
import { memoryEgress } from '../helpers/memory-egress.ts'

const pcmFrames = (codec: 'pcmu' | 'pcma' | 'g722' | 'l16' | 'mp3', clockRate: number): Frame[] =>
  Array.from({ length: 30 }, (_, i) => {
    const samples = clockRate / 50
    const params: CodecParameters = { codec, kind: 'audio', clockRate, channels: 1 }
    const data = new Uint8Array(codec === 'l16' ? samples * 2 : samples).map((_, at) => at + i)
    return frameOf(params, [data], { pts: i * samples, dts: i * samples, duration: samples })
  })

const sources: Partial<Record<CodecId, Frame[]>> = {
  h264: h264Frames('h264-baseline'),
  h265: h265Frames().map(frame => ({ ...frame, pts: frame.dts })),
  av1: av1Frames(),
  vp8: vp8Frames(),
  vp9: vp9Frames(),
  opus: opusFrames(),
  aac: aacFrames('aac-44100-stereo'),
  pcmu: pcmFrames('pcmu', 8000),
  pcma: pcmFrames('pcma', 8000),
  g722: pcmFrames('g722', 8000),
  l16: pcmFrames('l16', 24_000),
  mp3: pcmFrames('mp3', 44_100),
}
const codecs = Object.keys(sources) as CodecId[]
const kindOf = (codec: CodecId): Kind => sources[codec]![0]!.params.kind
/** There is no payload format of ours for MP3. */
const ends = codecs.flatMap(codec =>
  (['frame', 'rtp'] as const)
    .map(form => ({ codec, form }))
    .filter(({ form }) => codec !== 'mp3' || form === 'frame'),
)
const isPcm = (codec: CodecId): boolean => ['pcmu', 'pcma', 'g722', 'l16'].includes(codec)
interface End {
  readonly codec: CodecId
  readonly form: Form
}

/** Parameters as an SDP gives them, before any packet was seen. */
const announced = (params: CodecParameters): CodecParameters => {
  if (params.codec === 'h264') return createH264Params([], [])
  if (params.codec === 'h265') return createH265Params([], [], [])
  if (params.codec === 'av1') return createAv1Params()
  if (params.codec === 'vp8') return createVp8Params()
  return params.codec === 'vp9' ? createVp9Params() : params
}

const start = 5 * 90_000 * 48_000
/** 60 frames at most, on a time line that begins somewhere, arriving as their times say. */
const mediaOf = (codec: CodecId, arrival: number): Frame[] => {
  const frames = sources[codec]!.slice(0, 60)
  const offset = start - frames[0]!.dts
  return frames.map(frame => {
    const [pts, dts] = [frame.pts + offset, frame.dts + offset]
    return {
      ...frame,
      pts,
      dts,
      arrival: arrival + Math.round(((dts - start) * 1e6) / frame.params.clockRate),
    }
  })
}
const packetsOf = (frames: readonly Frame[]): RtpPacket[] => {
  const packets: RtpPacket[] = []
  const packetiser = createPacketiser(frames[0]!.params, { maxPayload: 1188 }, packet => packets.push(packet))
  for (const frame of frames) packetiser.push(frame)
  return packets
}
const framesOf = (packets: readonly RtpPacket[], params: CodecParameters): Frame[] => {
  const frames: Frame[] = []
  const depacketiser = createDepacketiser(params, {
    onFrame: frame => frames.push(frame),
    onParams: () => {},
    onLoss: () => {},
  })
  for (const packet of packets) depacketiser.push(packet, packet.arrival)
  return frames
}
/** Content that must survive; AV1 loses the size fields that RTP leaves out. */
const contentOf = (frames: readonly Frame[]): string[] =>
  frames.map(({ units, params }) =>
    units
      .map(unit => Buffer.from(params.codec === 'av1' ? withoutObuSize(unit)! : unit).toString('base64'))
      .join(),
  )

const expectedSteps = (from: End, to: End): string | undefined => {
  const out = to.form === 'rtp' ? ['packetise'] : []
  const back = from.form === 'rtp' ? ['depacketise'] : []
  if (from.codec === to.codec) return from.form === to.form ? 'copy' : [...back, ...out].join('+')
  if (kindOf(from.codec) !== kindOf(to.codec) || kindOf(from.codec) !== 'audio') return undefined
  return [...back, 'transcode', ...out].join('+')
}
const stepsOf = (plan: Plan): string | undefined =>
  plan.ok ? plan.tracks[0]?.steps.map(({ op }) => op).join('+') : undefined

/** The reader takes the source's own sample rate; the others are what the codec says. */
const acceptOf = ({ codec, form }: End): Accept => ({
  kind: kindOf(codec),
  codec,
  form,
  ...(form === 'rtp' && { rtp: { maxPayload: 1188 } }),
})

const run = async (from: End, to: End, transcodes: boolean) => {
  const clock = new ManualClock()
  const transcoder = fakeTranscoder({
    cost: (source, { kind }) => (source.kind === 'audio' && kind === 'audio' ? 1 : undefined),
  })
  const registry = createRegistry({ clock, freeze: true, transcoders: transcodes ? [transcoder] : [] })
  const publication = registry.publish('matrix', { label: 'source', onConflict: 'reject' })
  const media = mediaOf(from.codec, clock.now())
  const params = from.form === 'rtp' ? announced(media[0]!.params) : media[0]!.params
  const writer = publication.addTrack({ id: 'track', native: from.form, params, onKeyframeRequest: () => {} })
  publication.ready()
  const egress = memoryEgress({ accepts: [acceptOf(to)] })
  const subscription = await registry.subscribe('matrix', egress, { start: 'live' })
  const units: readonly (Frame | RtpPacket)[] = from.form === 'rtp' ? packetsOf(media) : media
  for (const unit of units) {
    clock.advance(Math.max(0, unit.arrival - clock.now()))
    writer.write(unit as never)
  }
  clock.advance(1_000_000)
  return { registry, egress, plan: subscription.plan, media, track: egress.opened[0]!.open.track, transcoder }
}

/** Where the units lie on the stream's time line, microseconds. */
const timesOf = (stamps: readonly number[], track: Track): number[] =>
  [...new Set(stamps)].map(stamp => track.clock.toStreamTime(stamp))
const wantedTimes = (media: readonly Frame[]): number[] =>
  media.map(({ pts, params }) => ((pts - start) * 1e6) / params.clockRate)

/** Each unit is where the source put it, to the tick. */
const expectTimes = (times: readonly number[], wanted: readonly number[], rate: number): void => {
  expect(times.length).toBe(wanted.length)
  const worst = Math.max(...times.map((time, i) => Math.abs(time - wanted[i]!)))
  expect(worst).toBeLessThanOrEqual(1e6 / rate + 1)
}
/** RFC 3551 section 4.2: a packet of PCM is 20 ms; what is left over waits for the next. */
const packetUs = 20_000
/** PCM that was made anew is cut into packets by its bytes: they cover the same time without a gap or an overlap. */
const expectCovered = (times: readonly number[], wanted: readonly number[], rate: number): void => {
  expect(Math.abs(times[0]! - wanted[0]!)).toBeLessThanOrEqual(1e6 / rate + 1)
  expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
  expect(times.at(-1)!).toBeGreaterThan(wanted.at(-1)! - packetUs)
  expect(times.at(-1)!).toBeLessThanOrEqual(wanted.at(-1)! * 2 - wanted.at(-2)!)
}

describe.each(ends)('$codec as $form', from => {
  const served = ends.filter(to => expectedSteps(from, to) !== undefined)
  const refused = ends.filter(to => expectedSteps(from, to) === undefined)

  test.each(served)('→ $codec as $form', async to => {
    const { egress, plan, media, track } = await run(from, to, true)
    expect(stepsOf(plan)).toBe(expectedSteps(from, to))
    const isTranscoded = from.codec !== to.codec
    const stamps = egress.opened[0]!.units.map(unit => ('ts' in unit ? unit.ts : unit.pts))
    const [times, wanted] = [timesOf(stamps, track), wantedTimes(media)]
    const rate = Math.min(media[0]!.params.clockRate, track.clock.rate)
    const isCutAnew = isTranscoded && to.form === 'rtp' && isPcm(to.codec)
    ;(isCutAnew ? expectCovered : expectTimes)(times, wanted, rate)
    if (isTranscoded) return
    const frames = to.form === 'rtp' ? framesOf(egress.packets, announced(media[0]!.params)) : egress.frames
    expect(contentOf(frames)).toEqual(contentOf(media))
    expect(frames.map(({ key }) => key)).toEqual(media.map(({ key }) => key))
    expect(frames.every(({ params }) => params.codec === to.codec)).toBe(true)
  })

  test.each(refused)('↛ $codec as $form', async to => {
    await expect(run(from, to, true)).rejects.toMatchObject({
      code: 'no-common-codec',
      message: expect.stringContaining(from.codec),
    })
  })

  test('without a transcoder only its own codec is served', async () => {
    for (const to of ends) {
      if (to.codec === from.codec) continue
      await expect(run(from, to, false)).rejects.toMatchObject({
        code: kindOf(from.codec) === kindOf(to.codec) ? 'transcode-unavailable' : 'no-common-codec',
      })
    }
  })
})

test('the matrix is whole: 12 codecs in both forms, but no packets of MP3', () => {
  expect(ends.length).toBe(23)
})
