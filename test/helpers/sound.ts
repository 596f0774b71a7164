/** Real sound for tests: made and decoded by ffmpeg, carried as NUT. Pure measurements on the samples. */
import { spawn } from 'node:child_process'
import { createAacParams } from '../../src/media/aac/config.ts'
import { createNutReader } from '../../src/media/nut/reader.ts'
import type { NutStream } from '../../src/media/nut/types.ts'
import { nutFrame, nutHeader } from '../../src/media/nut/writer.ts'
import { createOpusParams } from '../../src/media/opus/parameters.ts'
import type { AudioCodec, CodecParameters, Frame } from '../../src/media/types.ts'
import { sourceStream } from '../../src/transcode/audio/nut.ts'
import { packetDuration } from '../../src/transcode/audio/packet-duration.ts'

/** Runs ffmpeg to its end, `input` on stdin; rejects with what it said. */
export const runFfmpeg = (args: readonly string[], input: Uint8Array = new Uint8Array(0)): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args])
    const out: Buffer[] = []
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.on('close', code =>
      code === 0 ? resolve(Buffer.concat(out)) : reject(new Error(`ffmpeg ${code}: ${said}`)),
    )
    child.stdin.end(input)
  })

const encoders: Record<AudioCodec, readonly string[]> = {
  aac: ['-c:a', 'aac', '-flags', '+global_header'],
  opus: ['-c:a', 'libopus'],
  mp3: ['-c:a', 'libmp3lame'],
  pcmu: ['-af', 'asetnsamples=160:p=0', '-c:a', 'pcm_mulaw'],
  pcma: ['-af', 'asetnsamples=160:p=0', '-c:a', 'pcm_alaw'],
  g722: ['-af', 'asetnsamples=320:p=0', '-c:a', 'g722'],
  l16: ['-af', 'asetnsamples=160:p=0', '-c:a', 'pcm_s16be'],
}

const paramsOf = (codec: AudioCodec, stream: NutStream): CodecParameters => {
  const { sampleRate, channels } = stream
  if (codec === 'aac') return createAacParams(stream.codecData)
  if (codec === 'opus') return createOpusParams(channels === 1 ? 1 : 2)
  return { codec, kind: 'audio', clockRate: codec === 'g722' ? sampleRate / 2 : sampleRate, channels }
}

export interface SoundOptions {
  readonly codec: AudioCodec
  readonly rate: number
  readonly channels: 1 | 2
  readonly seconds: number
  /** A lavfi expression per channel, e.g. `0.25*sin(2*PI*1000*t)`. */
  readonly expressions: readonly string[]
  readonly bitrate?: string
}
export interface Sound {
  readonly params: CodecParameters
  readonly frames: readonly Frame[]
}

/** Encodes what the expressions say; frames count from tick 0. */
export const makeSound = async (options: SoundOptions): Promise<Sound> => {
  const { codec, rate, channels, seconds, expressions, bitrate = '128k' } = options
  const lavfi = `aevalsrc='${expressions.join('|')}':s=${rate}:d=${seconds}:c=${channels === 1 ? 'mono' : 'stereo'}`
  const nut = await runFfmpeg([
    ...['-f', 'lavfi', '-i', lavfi, '-b:a', bitrate, ...encoders[codec], '-f', 'nut', 'pipe:1'],
  ])
  return readSound(codec, nut)
}

const readSound = (codec: AudioCodec, nut: Uint8Array): Sound => {
  const frames: Frame[] = []
  let params: CodecParameters | undefined
  createNutReader({
    onStream: (_, stream) => {
      params = paramsOf(codec, stream)
    },
    onFrame: (_id, _pts, _key, data) => frames.push(frameAt(params!, data, frames.at(-1))),
    onDamage: cause => {
      throw new Error(cause)
    },
  }).push(nut)
  if (params === undefined) throw new Error('ffmpeg made nothing')
  return { params, frames }
}

const frameAt = (params: CodecParameters, data: Uint8Array, before: Frame | undefined): Frame => {
  const pts = before === undefined ? 0 : before.pts + before.duration
  const bare = { units: [data.slice()], pts, dts: pts, key: true, params, discontinuity: false, arrival: 0 }
  return { ...bare, duration: packetDuration({ ...bare, duration: 0 }, data, params.clockRate) }
}

/** The frames `ticks` later. */
export const shifted = (frames: readonly Frame[], ticks: number): Frame[] =>
  frames.map(frame => ({ ...frame, pts: frame.pts + ticks, dts: frame.dts + ticks }))

export interface Pcm {
  readonly rate: number
  /** Samples per channel, −1 to 1. */
  readonly channels: readonly Float32Array[]
  /** Seconds on the track's time line of the first sample. */
  readonly start: number
}

/** Decodes frames that follow each other without a gap. */
export const decodeSound = async (frames: readonly Frame[], rate = 48_000): Promise<Pcm> => {
  const first = frames[0]!
  const { params } = first
  const stream = sourceStream(params, params.clockRate)!
  const count = stream.channels
  const nut = Buffer.concat([
    nutHeader(stream),
    ...frames.map(frame => nutFrame(frame.pts - first.pts, frame.units[0]!)),
  ])
  const raw = await runFfmpeg(['-f', 'nut', '-i', 'pipe:0', '-ar', `${rate}`, '-f', 'f32le', 'pipe:1'], nut)
  const all = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length))
  const length = Math.floor(all.length / count)
  const channels = Array.from({ length: count }, (_, channel) =>
    Float32Array.from({ length }, (_, i) => all[i * count + channel]!),
  )
  return { rate, channels, start: first.pts / params.clockRate }
}

/** Root mean square level in dB of full scale. */
export const levelDb = (samples: Float32Array): number => {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return 10 * Math.log10(sum / samples.length)
}

/** What of it is louder than -40 dB, in blocks of 20 ms: without the silence of a beginning, a pause, a hold. */
export const loudOf = (samples: Float32Array, rate: number): Float32Array => {
  const block = rate / 50
  const blocks = Array.from({ length: Math.floor(samples.length / block) }, (_, i) =>
    samples.subarray(i * block, (i + 1) * block),
  )
  return Float32Array.from(blocks.filter(part => levelDb(part) > -40).flatMap(part => [...part]))
}

/** Frequency by the mean distance of rising zero crossings, interpolated. */
export const frequencyOf = (samples: Float32Array, rate: number): number => {
  const crossings: number[] = []
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [samples[i - 1]!, samples[i]!]
    if (a < 0 && b >= 0) crossings.push(i - 1 + a / (a - b))
  }
  return ((crossings.length - 1) * rate) / (crossings.at(-1)! - crossings[0]!)
}

/** Level in dB of what is left of a steady tone when the tone is taken away: noise, clicks, jumps of phase. */
export const worstResidualDb = (samples: Float32Array, rate: number, frequency: number): number => {
  // A second difference that cancels this one frequency: x[n] - 2 cos(w) x[n-1] + x[n-2].
  const k = 2 * Math.cos((2 * Math.PI * frequency) / rate)
  let worst = 0
  for (let i = 2; i < samples.length; i++)
    worst = Math.max(worst, Math.abs(samples[i]! - k * samples[i - 1]! + samples[i - 2]!))
  return 20 * Math.log10(worst)
}

/** Seconds from the first sample to the first one louder than `threshold`. */
export const onsetOf = (samples: Float32Array, rate: number, threshold = 0.1): number =>
  samples.findIndex(sample => Math.abs(sample) > threshold) / rate
