/** Short films made by ffmpeg, once per run: a moving test picture and a 1 kHz tone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './program.ts'

export interface ClipOptions {
  readonly seconds: number
  readonly size?: string
  readonly fps?: number
  /** Frames between key frames. */
  readonly gop?: number
  readonly bFrames?: number
  /** Bits per second of incompressible noise instead of the test picture. */
  readonly noise?: string
  readonly audio?: readonly string[]
}

const folder = mkdtempSync(join(tmpdir(), 'clips-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const made = new Map<string, Promise<string>>()

const make = async (options: ClipOptions, path: string): Promise<string> => {
  const { seconds, size = '320x180', fps = 25, gop = 25, bFrames = 0, noise } = options
  const source = `testsrc2=size=${size}:rate=${fps}`
  const picture = noise === undefined ? source : `${source},noise=alls=60:allf=t`
  const rate =
    noise === undefined ? [] : ['-b:v', noise, '-minrate', noise, '-maxrate', noise, '-bufsize', noise]
  await runProgram('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    picture,
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=1000:sample_rate=44100',
    '-t',
    String(seconds),
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-bf',
    String(bFrames),
    '-g',
    String(gop),
    '-keyint_min',
    String(gop),
    '-sc_threshold',
    '0',
    ...rate,
    ...(options.audio ?? ['-c:a', 'aac', '-ac', '2']),
    path,
  ])
  return path
}

/** Path of an FLV file with that content. */
export const clip = (options: ClipOptions): Promise<string> => {
  const key = JSON.stringify(options)
  const path = made.get(key) ?? make(options, join(folder, `${made.size}.flv`))
  made.set(key, path)
  return path
}

/** One line per packet: stream index, dts, pts, size and MD5 of the content, as ffmpeg's framemd5 writes it. */
export const packetHashes = async (input: string): Promise<string[]> => {
  const text = await runProgram('ffmpeg', [
    '-v',
    'error',
    '-i',
    input,
    '-map',
    '0',
    '-c',
    'copy',
    '-f',
    'framemd5',
    '-',
  ])
  return text.split('\n').filter(line => /^\d/.test(line))
}

/** Size and MD5 of each packet of one kind, without its times. */
export const contentHashes = (lines: readonly string[], stream: number): string[] =>
  lines
    .map(line => line.split(',').map(part => part.trim()))
    .filter(parts => parts[0] === String(stream))
    .map(parts => `${parts[4]} ${parts[5]}`)

/** Of each packet of one kind: composition time, and decode time since the first one, in milliseconds. */
export const packetTimes = (lines: readonly string[], stream: number): [cts: number, dts: number][] => {
  const all = lines.map(line => line.split(',').map(Number)).filter(parts => parts[0] === stream)
  return all.map(parts => [parts[2]! - parts[1]!, parts[1]! - all[0]![1]!])
}
