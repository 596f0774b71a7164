/** The bitstreams of test/fixtures/media as frames, the way an ingest would make them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readAdtsHeader } from '../../src/media/aac/adts.ts'
import { buildAudioSpecificConfig, createAacParams } from '../../src/media/aac/config.ts'
import { isAv1FrameUnit, isAv1Key, OBU, obuType, splitObus } from '../../src/media/av1/obu.ts'
import { createAv1Params } from '../../src/media/av1/parameters.ts'
import { createH264Params } from '../../src/media/h264/parameters.ts'
import { h264NalType, isH264FrameUnit, isH264Key, isH264Slice, NAL } from '../../src/media/h264/units.ts'
import { createH265Params } from '../../src/media/h265/parameters.ts'
import { HEVC_NAL, h265NalType, isH265FrameUnit, isH265Key } from '../../src/media/h265/units.ts'
import { splitAnnexB } from '../../src/media/nal.ts'
import { createOpusParams } from '../../src/media/opus/parameters.ts'
import { readOpusDuration } from '../../src/media/opus/toc.ts'
import type { CodecParameters, Frame } from '../../src/media/types.ts'
import { createVp8Params, readVp8Header } from '../../src/media/vp8/header.ts'
import { createVp9Params, readVp9Header } from '../../src/media/vp9/header.ts'
import { splitAdts } from './adts.ts'

const folder = join(import.meta.dirname, '..', 'fixtures', 'media')
export const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)))

export const frameOf = (
  params: CodecParameters,
  units: readonly Uint8Array[],
  rest: Partial<Frame> = {},
): Frame =>
  Object.freeze({
    units,
    pts: 0,
    dts: 0,
    duration: 0,
    key: true,
    params,
    discontinuity: false,
    arrival: 0,
    ...rest,
  })

/** pts and dts of each frame in decode order, 90 kHz. */
export const timesOf = (name: string): { pts: number; dts: number }[] =>
  readFileSync(join(folder, `${name}.times.csv`), 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(',').map(Number))
    .map(([pts, dts]) => ({ pts: pts!, dts: dts! }))

/** NAL units grouped into access units: a new one begins where `begins` says so after a slice. */
const group = (
  nals: readonly Uint8Array[],
  isSlice: (nal: Uint8Array) => boolean,
  isFirstSlice: (nal: Uint8Array) => boolean,
): Uint8Array[][] => {
  const units: Uint8Array[][] = []
  let hasSlice = true
  for (const nal of nals) {
    const begins = hasSlice && (!isSlice(nal) || isFirstSlice(nal))
    if (begins) {
      units.push([])
      hasSlice = false
    }
    units.at(-1)!.push(nal)
    hasSlice ||= isSlice(nal)
  }
  return units
}

export const h264Frames = (name: 'h264-bframes' | 'h264-bpyramid' | 'h264-baseline'): Frame[] => {
  const nals = splitAnnexB(fixture(`${name}.h264`))
  const ofType = (type: number): Uint8Array[] => nals.filter(nal => h264NalType(nal) === type).slice(0, 1)
  const params = createH264Params(ofType(NAL.sps), ofType(NAL.pps))
  const times = timesOf(name)
  return group(nals, isH264Slice, nal => nal[1]! > 0x7f).map((unit, i) =>
    frameOf(params, unit.filter(isH264FrameUnit), { ...times[i]!, key: isH264Key(unit) }),
  )
}

export const h265Frames = (): Frame[] => {
  const nals = splitAnnexB(fixture('h265.h265'))
  const ofType = (type: number): Uint8Array[] => nals.filter(nal => h265NalType(nal) === type).slice(0, 1)
  const params = createH265Params(ofType(HEVC_NAL.vps), ofType(HEVC_NAL.sps), ofType(HEVC_NAL.pps))
  const times = timesOf('h265')
  return group(
    nals,
    nal => h265NalType(nal) <= HEVC_NAL.lastVcl,
    nal => nal[2]! > 0x7f,
  ).map((unit, i) => frameOf(params, unit.filter(isH265FrameUnit), { ...times[i]!, key: isH265Key(unit) }))
}

const ivfFrames = (bytes: Uint8Array): Uint8Array[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const frames: Uint8Array[] = []
  for (let at = view.getUint16(6, true); at + 12 <= bytes.length; ) {
    const size = view.getUint32(at, true)
    frames.push(bytes.subarray(at + 12, at + 12 + size))
    at += 12 + size
  }
  return frames
}

export const vp8Frames = (): Frame[] => {
  const frames = ivfFrames(fixture('vp8.ivf'))
  const params = createVp8Params(readVp8Header(frames[0]!)!.size)
  return frames.map((data, i) =>
    frameOf(params, [data], { pts: i * 3600, dts: i * 3600, key: readVp8Header(data)!.key }),
  )
}

export const vp9Frames = (): Frame[] => {
  const frames = ivfFrames(fixture('vp9.ivf'))
  const params = createVp9Params(readVp9Header(frames[0]!)!.size)
  return frames.map((data, i) =>
    frameOf(params, [data], { pts: i * 3600, dts: i * 3600, key: readVp9Header(data)!.key }),
  )
}

export const av1Frames = (): Frame[] => {
  const obus = splitObus(fixture('av1.obu'))!
  const params = createAv1Params(obus.find(obu => obuType(obu) === OBU.sequenceHeader))
  const units: Uint8Array[][] = []
  for (const obu of obus) {
    if (obuType(obu) === OBU.temporalDelimiter) units.push([])
    else if (isAv1FrameUnit(obu)) units.at(-1)!.push(obu)
  }
  return units.map((unit, i) => frameOf(params, unit, { pts: i * 3600, dts: i * 3600, key: isAv1Key(unit) }))
}

export const aacFrames = (name: 'aac-44100-stereo' | 'aac-48000-mono'): Frame[] => {
  const bytes = fixture(`${name}.aac`)
  const header = readAdtsHeader(bytes)!
  const params = createAacParams(buildAudioSpecificConfig(header.sampleRate, header.channels))
  return splitAdts(bytes).map((unit, i) =>
    frameOf(params, [unit], { pts: i * 1024, dts: i * 1024, duration: 1024 }),
  )
}

/** Packets of an Ogg file with one stream and no packet across pages; RFC 3533. */
const oggPackets = (bytes: Uint8Array): Uint8Array[] => {
  const packets: Uint8Array[] = []
  for (let at = 0; at + 27 <= bytes.length; ) {
    const segments = bytes.subarray(at + 27, at + 27 + bytes[at + 26]!)
    let data = at + 27 + segments.length
    let start = data
    for (const size of segments) {
      data += size
      if (size === 255) continue
      packets.push(bytes.subarray(start, data))
      start = data
    }
    at = data
  }
  return packets
}

export const opusFrames = (): Frame[] => {
  const params = createOpusParams(2)
  const packets = oggPackets(fixture('opus-20ms.ogg')).slice(2)
  return packets.map((data, i) =>
    frameOf(params, [data], { pts: i * 960, dts: i * 960, duration: readOpusDuration(data)! }),
  )
}

/** Every fixture that has an RTP payload format, by name. */
export const rtpFixtures: Readonly<Record<string, () => Frame[]>> = {
  'h264 with B-frames': () => h264Frames('h264-bframes'),
  'h264 with B-pyramid': () => h264Frames('h264-bpyramid'),
  'h264 baseline, two slices': () => h264Frames('h264-baseline'),
  h265: h265Frames,
  vp8: vp8Frames,
  vp9: vp9Frames,
  av1: av1Frames,
  opus: opusFrames,
  'aac 44100 stereo': () => aacFrames('aac-44100-stereo'),
  'aac 48000 mono': () => aacFrames('aac-48000-mono'),
}
