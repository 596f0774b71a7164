/** A plan as the API gives it, drawn as source → conversion → destination. */
import type { PlanView } from '../http/schemas/plan.ts'

type Planned = Extract<PlanView, { ok: true }>['tracks'][number]

const drawTrack = ({ label, steps, codec, form }: Planned): string => {
  const how = steps.map(step => (step.op === 'transcode' ? `transcode to ${step.to}` : step.op)).join(' + ')
  return `${label} → ${how} → ${codec} ${form === 'rtp' ? 'packets' : 'frames'}`
}

/** One line a track; what is left out comes last, with why. */
export const drawPlan = (plan: PlanView): string[] => {
  const left = plan.skipped.map(({ reason }) => `left out: ${reason}`)
  if (plan.ok) return [...plan.tracks.map(drawTrack), ...left]
  const offered = `offered ${plan.offered.join(', ') || 'nothing'}, wanted ${plan.wanted.join(', ') || 'nothing'}`
  return [`refused (${plan.code}): ${offered}`, ...left]
}
