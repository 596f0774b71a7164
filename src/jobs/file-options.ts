/** What ffmpeg is told for each kind of job. Pure; the file names are not among the options. */
import { extname } from 'node:path'
import type { JobRequest } from './request.ts'

const flv = { read: ['-f', 'flv'], write: ['-f', 'flv'] } as const
const mp4 = { read: ['-f', 'mov'], write: ['-f', 'mp4', '-movflags', '+faststart'] } as const
const formatOf = (name: string) => (extname(name).toLowerCase() === '.flv' ? flv : mp4)

const where = (request: JobRequest): readonly string[] => {
  if (request.kind === 'cut') return ['-ss', String(request.start), '-t', String(request.duration)]
  return request.kind === 'thumbnail' ? ['-ss', String(request.at)] : []
}

/** The format is named, so that a file is never taken for a list of other files. */
export const inputOptions = (request: JobRequest): string[] => [
  '-nostdin',
  ...['-protocol_whitelist', 'file'],
  ...formatOf(request.from).read,
  ...where(request),
]

/** Times from 0, also when a cut begins at a key frame before what was asked for. */
const copied = ['-map', '0:v?', '-map', '0:a?', '-c', 'copy', '-avoid_negative_ts', 'make_zero'] as const

/** `-update`: the output's name is taken as it is, not as a pattern of names. */
const picture = (width: number): readonly string[] => [
  ...['-map', '0:v:0', '-frames:v', '1', '-vf', `scale=w=min(${width}\\,iw):h=-2`],
  ...['-f', 'image2', '-update', '1'],
]

export const outputOptions = (request: JobRequest): string[] => [
  ...['-nostats', '-progress', 'pipe:2'],
  ...(request.kind === 'thumbnail' ? picture(request.width) : [...copied, ...formatOf(request.to).write]),
]

/** Seconds that will come out; 0 when that says nothing of the progress. */
export const outputSeconds = (request: JobRequest, inputSeconds: number): number => {
  if (request.kind === 'cut') return Math.min(request.duration, Math.max(0, inputSeconds - request.start))
  return request.kind === 'thumbnail' ? 0 : inputSeconds
}
