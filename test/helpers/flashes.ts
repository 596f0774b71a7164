/** Films whose picture flashes in the moment that a tone begins, once a second: what is apart can be measured. */
import { join } from 'node:path'
import { runProgram, startProgram } from './program.ts'

const FLASH_S = 0.3

/** An MP4 of black with flashes and silence with tones. @returns its path */
export const flashingClip = async (folder: string, seconds: number, bFrames = 0): Promise<string> => {
  const path = join(folder, 'input.mp4')
  const on = `lt(mod(t\\,1)\\,${FLASH_S})`
  await runProgram('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i'],
    `color=black:size=320x180:rate=30,drawbox=color=white:t=fill:enable='${on}'`,
    ...['-f', 'lavfi', '-i', `aevalsrc=if(${on}\\,sin(2*PI*1000*t)/2\\,0):s=48000:c=stereo`],
    ...['-t', String(seconds), '-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'],
    ...['-bf', String(bFrames), '-g', '30', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '96k', path],
  ])
  return path
}

/** Seconds at which the picture turns bright and the tone begins, after the first of each that is whole. */
const onsets = async (path: string): Promise<{ picture: number[]; sound: number[] }> => {
  const measuring = startProgram('ffmpeg', [
    ...['-hide_banner', '-nostats', '-i', path, '-vf', 'blackdetect=d=0.2:pix_th=0.3'],
    ...['-af', 'silencedetect=n=-30dB:d=0.2', '-f', 'null', '-'],
  ])
  await measuring.exited
  const found = (pattern: RegExp): number[] =>
    [...measuring.output().matchAll(pattern)].map(match => Number(match[1]))
  return { picture: found(/black_end:([\d.]+)/g), sound: found(/silence_end: ([\d.]+)/g) }
}

/** How far the sound is behind the picture, seconds: the median over all flashes, which has to be two at least. */
export const soundDelay = async (path: string): Promise<number> => {
  const { picture, sound } = await onsets(path)
  const delays = picture.flatMap(at => {
    const nearest = sound.toSorted((a, b) => Math.abs(a - at) - Math.abs(b - at))[0]
    return nearest === undefined || Math.abs(nearest - at) > 0.5 ? [] : [nearest - at]
  })
  if (delays.length < 2) throw new Error(`${path}: flashes at ${picture}, tones at ${sound}`)
  return delays.sort((a, b) => a - b)[delays.length >> 1]!
}

/**
 * Decodes everything, and counts pictures and seconds of sound.
 * @param tolerated lines of complaint: a datagram that a busy machine has lost costs a few
 * @throws with what the decoders complain of
 */
export const decoded = async (
  path: string,
  tolerated = 0,
): Promise<{ pictures: number; seconds: number }> => {
  const said = await runProgram('ffmpeg', ['-v', 'error', '-i', path, '-map', '0', '-f', 'hash', '-'])
  const bad = said.split('\n').filter(line => line !== '' && !line.startsWith('SHA256='))
  if (bad.length > tolerated) throw new Error(`${path}: ${bad.join('\n')}`)
  const count = async (stream: string): Promise<{ frames: number; samples: number; rate: number }> => {
    const entries = 'stream=nb_read_frames,sample_rate:frame=nb_samples'
    const text = await runProgram('ffprobe', [
      ...['-v', 'error', '-select_streams', stream, '-count_frames', '-show_entries', entries, path],
    ])
    const numbers = (pattern: RegExp): number[] =>
      [...text.matchAll(pattern)].map(match => Number(match[1] ?? 0))
    return {
      frames: numbers(/nb_read_frames=(\d+)/g)[0] ?? 0,
      samples: numbers(/nb_samples=(\d+)/g).reduce((sum, value) => sum + value, 0),
      rate: numbers(/sample_rate=(\d+)/g)[0] ?? 1,
    }
  }
  const [video, audio] = await Promise.all([count('v'), count('a')])
  return { pictures: video.frames, seconds: audio.samples / audio.rate }
}
