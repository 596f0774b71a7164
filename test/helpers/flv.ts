/** FLV bytes to frames and back, by the code under test, and what ffmpeg and ffprobe make of them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { concatBytes } from '../../src/media/bytes.ts'
import { writeFileHeader, writeTag } from '../../src/media/flv/file.ts'
import { createFlvParser } from '../../src/media/flv/parser.ts'
import { createFlvReader } from '../../src/media/flv/reader.ts'
import type { FlvTag } from '../../src/media/flv/types.ts'
import { writeFrame, writeSequenceHeader } from '../../src/media/flv/writer.ts'
import type { CodecParameters, Frame } from '../../src/media/types.ts'

const run = promisify(execFile)

export interface ReadFlv {
  /** As announced by `onTrack`. */
  readonly tracks: Map<string, CodecParameters>
  /** Every `onParams`. */
  readonly changes: { readonly id: string; readonly params: CodecParameters }[]
  readonly frames: Map<string, Frame[]>
  readonly metadata: Readonly<Record<string, unknown>>[]
  readonly damage: Readonly<Record<string, number>>
}

/** Tags through a reader, the clock standing still. */
export const readTags = (tags: Iterable<FlvTag>, arrivalOf: (tag: FlvTag) => number = () => 0): ReadFlv => {
  const tracks = new Map<string, CodecParameters>()
  const changes: { id: string; params: CodecParameters }[] = []
  const frames = new Map<string, Frame[]>()
  const metadata: Readonly<Record<string, unknown>>[] = []
  const reader = createFlvReader({
    onTrack: (id, params) => void tracks.set(id, params),
    onParams: (id, params) => void changes.push({ id, params }),
    onFrame: (id, frame) => {
      const list = frames.get(id) ?? []
      frames.set(id, list)
      list.push(frame)
    },
    onMetadata: data => void metadata.push(data),
    onDamage: () => {},
  })
  for (const tag of tags) reader.push(tag, arrivalOf(tag))
  return { tracks, changes, frames, metadata, damage: reader.damage }
}

export interface ParsedFlv {
  readonly tags: FlvTag[]
  readonly positions: number[]
  readonly damage: [cause: string, bytes: number][]
}

/** File bytes to tags, in pieces of `chunk` bytes. */
export const parseFlv = (bytes: Uint8Array, chunk = bytes.length || 1): ParsedFlv => {
  const parsed: ParsedFlv = { tags: [], positions: [], damage: [] }
  const parser = createFlvParser({
    onTag: (tag, position) => {
      parsed.tags.push(tag)
      parsed.positions.push(position)
    },
    onDamage: (cause, size) => void parsed.damage.push([cause, size]),
  })
  for (let at = 0; at < bytes.length; at += chunk) parser.push(bytes.subarray(at, at + chunk))
  parser.end()
  return parsed
}

const kinds = { video: 9, audio: 8 } as const

/** Frames of one kind as tags, in the form of track `number`; the sequence header in front. */
export const tagsOf = (frames: readonly Frame[], number = 0): FlvTag[] => {
  const { params } = frames[0]!
  const type = kinds[params.kind as 'audio' | 'video']
  const msOf = (ticks: number): number => Math.round((ticks * 1000) / params.clockRate)
  const config = writeSequenceHeader(params, number)
  const head: FlvTag[] = config ? [{ type, timestampMs: msOf(frames[0]!.dts), body: config }] : []
  return [
    ...head,
    ...frames.map(
      (frame): FlvTag => ({
        type,
        timestampMs: msOf(frame.dts),
        body: writeFrame(frame, number, msOf(frame.pts - frame.dts)),
      }),
    ),
  ]
}

export const fileOf = (tags: readonly FlvTag[]): Uint8Array =>
  concatBytes([writeFileHeader(true, true), ...tags.map(tag => writeTag(tag))])

export const byTime = (tags: readonly FlvTag[]): FlvTag[] =>
  [...tags].sort((a, b) => a.timestampMs - b.timestampMs)

/** Runs ffmpeg; rejects with what it said when it fails. */
export const ffmpeg = async (...args: string[]): Promise<void> => {
  await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { maxBuffer: 64 << 20 })
}

/** Decodes everything; throws on the first error, resolves to what ffmpeg complained of. */
export const decodeErrors = async (file: string): Promise<string> => {
  const args = ['-v', 'error', '-nostdin', '-xerror', '-i', file, '-map', '0', '-f', 'null', '-']
  const { stderr } = await run('ffmpeg', args, { maxBuffer: 64 << 20 })
  return stderr.trim()
}

export interface Probed {
  readonly streams: readonly {
    readonly codec_name: string
    readonly width?: number
    readonly height?: number
  }[]
  readonly packets: readonly {
    readonly stream: number
    readonly ptsMs: number
    readonly dtsMs: number
    readonly size: number
  }[]
  readonly durationS: number
}

interface RawProbe {
  streams: { codec_name: string; width?: number; height?: number }[]
  packets: { stream_index: number; pts: number; dts: number; size: string }[]
  format: { duration?: string }
}
/** What ffprobe sees; FLV time stamps are milliseconds. */
export const probe = async (file: string): Promise<Probed> => {
  const args = ['-v', 'error', '-show_packets', '-show_streams', '-show_format', '-of', 'json', file]
  const { stdout } = await run('ffprobe', args, { maxBuffer: 256 << 20 })
  const raw = JSON.parse(stdout) as RawProbe
  return {
    streams: raw.streams,
    packets: raw.packets.map(packet => ({
      stream: packet.stream_index,
      ptsMs: packet.pts,
      dtsMs: packet.dts,
      size: Number(packet.size),
    })),
    durationS: Number(raw.format.duration ?? 0),
  }
}
