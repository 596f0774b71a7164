/** A bridge as a drawing: source → what is done to each track → destination. */
import { type ComponentChild, h } from 'preact'
import type { BridgeView, LegView, PlanView, RunState } from './api.ts'
import type { Tone } from './parts.ts'
import { bytes, codecName } from './words.ts'

const stateTones: Readonly<Record<RunState, Tone>> = {
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

const Conversions = ({ plan }: { readonly plan: PlanView | null }): ComponentChild => {
  const list = { class: 'steps', 'aria-label': 'What is done' }
  if (plan === null) return h('ul', list, h('li', { class: 'step waiting' }, 'not known yet'))
  const tracks = (plan.tracks ?? []).map(({ label, steps }) =>
    h(
      'li',
      { key: label, class: 'step', 'data-work': steps.some(({ op }) => op === 'transcode') },
      h('b', {}, label),
      describeSteps(steps),
    ),
  )
  const skipped = plan.skipped.map(({ source, reason }) =>
    h('li', { key: `left out ${source}`, class: 'step left-out' }, h('b', {}, 'left out'), reason),
  )
  return h('ul', list, tracks, skipped)
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

interface NodeProps {
  readonly kind: 'source' | 'destination'
  readonly name: string
  readonly state: RunState
  readonly words: string
}
const Node = ({ kind, name, state, words }: NodeProps): ComponentChild =>
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

const Leg = ({ leg }: { readonly leg: LegView }): ComponentChild =>
  h(
    'li',
    { class: 'leg' },
    h(Conversions, { plan: leg.plan }),
    h(Node, { kind: 'destination', name: leg.to, state: leg.state, words: legWords(leg) }),
  )

export const BridgeGraph = ({ bridge }: { readonly bridge: BridgeView }): ComponentChild => {
  const { from, state, reason = state, legs } = bridge
  return h(
    'div',
    { class: 'graph' },
    h(Node, { kind: 'source', name: from, state, words: reason }),
    h(
      'ul',
      { class: 'legs', 'aria-label': 'Destinations' },
      legs.map((leg, i) => h(Leg, { key: i, leg })),
    ),
  )
}
