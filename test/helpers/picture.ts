/** Real pictures for tests: made and decoded by ffmpeg, carried as NUT. */
import { spawn } from 'node:child_process'
import { isAv1FrameUnit, isAv1Key, OBU, obuType, splitObus } from '../../src/media/av1/obu.ts'
import { createAv1Params } from '../../src/media/av1/parameters.ts'
import { createDtsEstimator } from '../../src/media/dts.ts'
import { createH264Params } from '../../src/media/h264/parameters.ts'
import { h264NalType, isH264FrameUnit, isH264Key, NAL } from '../../src/media/h264/units.ts'
import { createH265Params } from '../../src/media/h265/parameters.ts'
import { HEVC_NAL, h265NalType, isH265FrameUnit, isH265Key } from '../../src/media/h265/units.ts'
import { joinAnnexB, splitAnnexB } from '../../src/media/nal.ts'
import { createNutReader } from '../../src/media/nut/reader.ts'
import type { NutStream } from '../../src/media/nut/types.ts'
import { nutFrame, nutHeader } from '../../src/media/nut/writer.ts'
import type { CodecParameters, Frame, PictureSize, VideoCodec } from '../../src/media/types.ts'
import { createVp8Params, readVp8Header } from '../../src/media/vp8/header.ts'
import { createVp9Params, readVp9Header } from '../../src/media/vp9/header.ts'
import { runFfmpeg } from './sound.ts'

const encoders: Record<VideoCodec, readonly string[]> = {
  h264: ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-flags', '+global_header'],
  h265: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none'],
  vp8: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-auto-alt-ref', '0'],
  vp9: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0'],
  av1: ['-c:v', 'libsvtav1', '-preset', '12', '-svtav1-params', 'pred-struct=1'],
}

export interface PictureOptions {
  readonly codec: VideoCodec
  readonly size: PictureSize
  readonly seconds: number
  /** Frames per second. Default 30. */
  readonly rate?: number
  /** Frames between key frames. Default 30. */
  readonly gop?: number
  /** Further options of the encoder. */
  readonly encoder?: readonly string[]
  /** Frames that are shown before earlier ones, at most. */
  readonly depth?: number
  /** 90 kHz ticks of the first picture. */
  readonly from?: number
}
export interface Picture {
  readonly params: CodecParameters
  readonly frames: readonly Frame[]
}

/** Parameters, and what turns a packet into units and a key flag. */
interface Reading {
  readonly params: CodecParameters
  read(data: Uint8Array): { readonly units: readonly Uint8Array[]; readonly key: boolean }
}

const readingOf = (
  codec: VideoCodec,
  { codecData, width, height }: NutStream,
  first: Uint8Array,
): Reading => {
  const sets = splitAnnexB(codecData)
  if (codec === 'h264') {
    const ofType = (type: number): Uint8Array[] => sets.filter(nal => h264NalType(nal) === type)
    return {
      params: createH264Params(ofType(NAL.sps), ofType(NAL.pps)),
      read: data => {
        const units = splitAnnexB(data).filter(isH264FrameUnit)
        return { units, key: isH264Key(units) }
      },
    }
  }
  if (codec === 'h265') {
    const all = [...sets, ...splitAnnexB(first)]
    const ofType = (type: number): Uint8Array[] => all.filter(nal => h265NalType(nal) === type).slice(0, 1)
    return {
      params: createH265Params(ofType(HEVC_NAL.vps), ofType(HEVC_NAL.sps), ofType(HEVC_NAL.pps)),
      read: data => {
        const units = splitAnnexB(data).filter(isH265FrameUnit)
        return { units, key: isH265Key(units) }
      },
    }
  }
  if (codec === 'av1')
    return {
      params: createAv1Params(splitObus(first)!.find(obu => obuType(obu) === OBU.sequenceHeader)),
      read: data => {
        const obus = splitObus(data)!
        return { units: obus.filter(isAv1FrameUnit), key: isAv1Key(obus) }
      },
    }
  const size = { width, height }
  return codec === 'vp8'
    ? { params: createVp8Params(size), read: data => ({ units: [data], key: readVp8Header(data)!.key }) }
    : { params: createVp9Params(size), read: data => ({ units: [data], key: readVp9Header(data)!.key }) }
}

const readNut = (bytes: Uint8Array): { stream: NutStream; packets: { pts: number; data: Uint8Array }[] } => {
  let stream: NutStream | undefined
  const packets: { pts: number; data: Uint8Array }[] = []
  const reader = createNutReader({
    onStream: (_, found) => {
      stream = found
    },
    onFrame: (_, pts, _key, data) => packets.push({ pts, data }),
    onDamage: cause => {
      throw new Error(cause)
    },
  })
  reader.push(bytes)
  return { stream: stream!, packets }
}

export const makePicture = async (options: PictureOptions): Promise<Picture> => {
  const { codec, size, seconds, rate = 30, gop = 30, encoder = [], depth = 0, from = 0 } = options
  const bytes = await runFfmpeg([
    ...['-f', 'lavfi', '-i', `testsrc2=s=${size.width}x${size.height}:r=${rate}:d=${seconds}`],
    ...['-pix_fmt', 'yuv420p', ...encoders[codec], '-g', `${gop}`, ...encoder, '-f', 'nut', 'pipe:1'],
  ])
  const { stream, packets } = readNut(bytes)
  const { params, read } = readingOf(codec, stream, packets[0]!.data)
  const { numerator, denominator } = stream.timeBase
  const estimate = createDtsEstimator(depth, Number.NEGATIVE_INFINITY)
  const frames = packets.map(({ pts, data }): Frame => {
    const at = from + Math.round((pts * numerator * 90_000) / denominator)
    return {
      ...read(data),
      ...{ pts: at, dts: estimate.push(at), duration: 0, params, discontinuity: false, arrival: 0 },
    }
  })
  return { params, frames }
}

const toStream = (params: CodecParameters): NutStream => ({
  kind: 'video',
  fourcc: new TextEncoder().encode(params.codec === 'h264' ? 'H264' : 'VP80'),
  timeBase: { numerator: 1, denominator: 90_000 },
  codecData: params.codec === 'h264' ? joinAnnexB([params.sps!, ...params.pps]) : new Uint8Array(0),
  ...{ sampleRate: 0, channels: 0, width: 16, height: 16 },
})

const packetOf = ({ params, units, key }: Frame): Uint8Array =>
  params.codec === 'h264'
    ? joinAnnexB(key ? [params.sps!, ...params.pps, ...units] : units)
    : Buffer.concat(units)

interface ProbedFrame {
  readonly pts: number
  readonly width: number
  readonly height: number
  readonly pict_type: string
}
export interface Shown {
  /** 90 kHz ticks. */
  readonly pts: number
  readonly size: PictureSize
  readonly type: string
}

/** Every picture that ffmpeg's decoder makes of H.264 or VP8 frames; rejects when it has anything to complain of. */
export const showPictures = (frames: readonly Frame[]): Promise<readonly Shown[]> =>
  new Promise((resolve, reject) => {
    const entries = 'frame=pts,width,height,pict_type'
    const child = spawn('ffprobe', [
      ...['-loglevel', 'warning', '-f', 'nut', '-probesize', '32', '-i', 'pipe:0'],
      ...['-show_entries', entries, '-of', 'json'],
    ])
    const out: Buffer[] = []
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.stdin.on('error', () => {})
    child.on('error', reject)
    child.on('close', () => {
      const complaints = said
        .split('\n')
        .filter(line => line !== '' && !/analyzeduration|probesize/.test(line))
      if (complaints.length > 0) return reject(new Error(complaints.join('\n')))
      const listing = JSON.parse(Buffer.concat(out).toString()) as { frames: ProbedFrame[] }
      resolve(
        listing.frames.map(({ pts, width, height, pict_type: type }) => ({
          pts,
          type,
          size: { width, height },
        })),
      )
    })
    child.stdin.write(nutHeader(toStream(frames[0]!.params)))
    for (const frame of frames) child.stdin.write(nutFrame(frame.pts, packetOf(frame)))
    child.stdin.end()
  })
