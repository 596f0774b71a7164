/** Tracks, plans and reasons in words, for logs, the API and --explain. */
import type { CodecParameters } from '../media/types.ts'
import type { Plan, PlannedTrack } from './types.ts'

/** "video h264 1280x720", "audio aac 44100", "data telephone-event". */
export const describeParams = (params: CodecParameters): string => {
  const words: (string | number)[] = [params.kind, params.codec]
  if ('size' in params && params.size !== undefined) words.push(`${params.size.width}x${params.size.height}`)
  if (params.kind === 'audio') words.push(params.clockRate)
  return words.join(' ')
}

const describePlanned = ({ label, accept, steps }: PlannedTrack): string => {
  const target = steps.some(step => step.op === 'transcode') ? ` → ${accept.codec}` : ''
  return `${label}${target}: ${steps.map(step => step.op).join(' + ')}`
}

/** One line per source track: "audio aac 44100 → opus: transcode + packetise"; those left out come last, with why. */
export const describePlan = (plan: Plan): string[] => [
  ...(plan.ok ? plan.tracks.map(describePlanned) : []),
  ...plan.skipped.map(({ reason }) => `${reason} (left out)`),
]

/** The sentence of a plan that failed: every track with its reason, or the two sides when there was no track at all. */
export const describeRefusal = (plan: Plan & { ok: false }): string => {
  if (plan.skipped.length > 0) return plan.skipped.map(({ reason }) => reason).join('; ')
  return `offered ${plan.offered.join(', ') || 'nothing'}, wanted ${plan.wanted.join(', ') || 'nothing'}`
}
