/** A bridge as a drawing: source → what is done to each track → destination. */
import type { BridgeView, LegView, PlanView, RunState } from './api.ts'
import { h } from './element.ts'
import type { Tone } from './parts.ts'
import { bytes, codecName } from './words.ts'

export const stateTones: Readonly<Record<RunState, Tone>> = {
  connecting: 'busy',
  live: 'live',
  backoff: 'busy',
  failed: 'bad',
  ended: 'idle',
}

const stepWords: Readonly<Record<string, string>> = {
  'drop-b-frames': 'leave out B-frames',
}
const describeSteps = (steps: readonly { readonly op: string; readonly to?: string }[]): string =>
  steps
    .map(({ op, to }) => (to === undefined ? (stepWords[op] ?? op) : `${op} to ${codecName(to)}`))
    .join(', ')

const conversions = (plan: PlanView | null): readonly HTMLElement[] => {
  if (plan === null) return [h('li', { class: 'step waiting' }, 'not known yet')]
  const tracks = (plan.tracks ?? []).map(({ label, steps }) =>
    h(
      'li',
      { class: 'step', 'data-work': steps.some(({ op }) => op === 'transcode') },
      h('b', {}, label),
      describeSteps(steps),
    ),
  )
  const skipped = plan.skipped.map(({ reason }) =>
    h('li', { class: 'step left-out' }, h('b', {}, 'left out'), reason),
  )
  return [...tracks, ...skipped]
}

const legWords = ({ state, bytes: sent, lastError, retries, nextRetryAt }: LegView): string => {
  const seconds =
    nextRetryAt === null ? 0 : Math.max(0, Math.ceil((Date.parse(nextRetryAt) - Date.now()) / 1000))
  const parts = [state as string]
  if (state === 'backoff') parts.push(`try ${retries + 1} in ${seconds} s`)
  if (sent > 0) parts.push(bytes(sent))
  if (lastError !== null && state !== 'live') parts.push(lastError)
  return parts.join(' · ')
}

const node = (kind: string, name: string, state: RunState, words: string): HTMLElement =>
  h(
    'div',
    { class: `node ${kind}` },
    h('span', { class: 'name' }, name),
    h(
      'span',
      { class: 'status', 'data-tone': stateTones[state] },
      h('span', { class: 'dot' }),
      h('span', {}, words),
    ),
  )

const legRow = (leg: LegView): HTMLElement =>
  h(
    'li',
    { class: 'leg' },
    h('ul', { class: 'steps', 'aria-label': 'What is done' }, ...conversions(leg.plan)),
    node('destination', leg.to, leg.state, legWords(leg)),
  )

export const bridgeGraph = (bridge: BridgeView): HTMLElement =>
  h(
    'div',
    { class: 'graph' },
    node('source', bridge.from, bridge.state, bridge.reason ?? bridge.state),
    h('ul', { class: 'legs', 'aria-label': 'Destinations' }, ...bridge.legs.map(legRow)),
  )
