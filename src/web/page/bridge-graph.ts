/** A bridge as a drawing: source → what is done to each track → destination. */
import { type ComponentChild, h } from 'preact'
import { useRef } from 'preact/hooks'
import type { BridgeView, LegView, PlanView, RunState } from './api.ts'
import { useKeptFocus } from './kept-focus.ts'
import type { Tone } from './parts.ts'
import { Wishes } from './wishes.ts'
import { bytes, codecName, keptFor } from './words.ts'

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
  // As long as a destination is not connected.
  if (tracks.length + skipped.length === 0)
    return h('ul', list, h('li', { class: 'step waiting' }, 'nothing is carried'))
  return h('ul', list, tracks, skipped)
}

/** It is tried again when its source is back, not at a time. */
const waitsForSource = ({ state, nextRetryAt }: LegView): boolean =>
  state === 'backoff' && nextRetryAt === null

/** Connected and given nothing, it is not well. */
const shownState = ({ state, waiting }: LegView): RunState => (waiting === null ? state : 'backoff')

const legWords = (leg: LegView): string => {
  const { state, waiting, bytes: sent, lastError, retries, nextRetryAt } = leg
  const seconds =
    nextRetryAt === null ? 0 : Math.max(0, Math.ceil((Date.parse(nextRetryAt) - Date.now()) / 1000))
  const parts = [waitsForSource(leg) ? 'waits' : (state as string)]
  if (waiting !== null) parts.push(`publisher lost, ${keptFor(waiting)}`)
  if (nextRetryAt !== null) parts.push(`try ${retries + 1} in ${seconds} s`)
  if (sent > 0) parts.push(bytes(sent))
  if (lastError !== null && state !== 'live') parts.push(lastError)
  return parts.join(' · ')
}

interface NodeProps {
  readonly kind: 'source' | 'destination'
  readonly name: string
  readonly state: RunState
  readonly words: string
  readonly children?: ComponentChild
}
const Node = ({ kind, name, state, words, children }: NodeProps): ComponentChild =>
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
    children,
  )

export const isOver = ({ state }: { readonly state: RunState }): boolean =>
  state === 'ended' || state === 'failed'

interface StopLegProps {
  readonly to: string
  readonly onClick: () => void
}
const StopLeg = ({ to, onClick }: StopLegProps): ComponentChild => {
  const button = useRef<HTMLButtonElement>(null)
  useKeptFocus(button, bridgeButton)
  const attributes = { class: 'quiet', type: 'button', 'aria-label': `Stop sending to ${to}` } as const
  return h('button', { ref: button, ...attributes, onClick }, 'Stop')
}
const bridgeButton = (item: HTMLElement): HTMLElement | null =>
  item.closest('[data-bridge]')?.querySelector<HTMLElement>('.end button') ?? null

interface LegProps {
  readonly leg: LegView
  /** Absent: it cannot be stopped alone. */
  readonly onStop?: (() => void) | undefined
}
const Leg = ({ leg, onStop }: LegProps): ComponentChild => {
  const node = { kind: 'destination', name: leg.to, state: shownState(leg), words: legWords(leg) } as const
  const stop = onStop && h(StopLeg, { to: leg.to, onClick: onStop })
  const wishes = h(Wishes, { leg })
  return h('li', { class: 'leg' }, h(Conversions, { plan: leg.plan }), h(Node, node, wishes, stop))
}

/** The name of its source is no destination. */
const isStoppable = ({ stream }: BridgeView, leg: LegView): boolean =>
  leg.to !== `stream:${stream}` && !isOver(leg)

/** More than one destination goes on. */
export const isParted = ({ legs }: BridgeView): boolean => legs.filter(leg => !isOver(leg)).length > 1

interface SourceState {
  readonly state: RunState
  readonly words: string
}
/** Of the source alone: a destination in trouble is none of its. */
const sourceState = ({ source, state, waiting, reason, legs }: BridgeView): SourceState => {
  if (source !== undefined) return { state: source.state, words: source.lastError ?? source.state }
  if (waiting !== undefined) return { state: 'backoff', words: `lost, ${keptFor(waiting)}` }
  if (isOver({ state })) return { state, words: reason ?? state }
  const going = legs.filter(leg => !isOver(leg))
  if (going.length > 0 && going.every(waitsForSource)) return { state: 'backoff', words: 'waited for' }
  const shown = state === 'connecting' ? state : 'live'
  return { state: shown, words: shown }
}

export interface BridgeGraphProps {
  readonly bridge: BridgeView
  /** `place`: of the destination among its `legs`. */
  readonly onStopLeg: (place: number) => void
}
export const BridgeGraph = ({ bridge, onStopLeg }: BridgeGraphProps): ComponentChild => {
  const { from, legs } = bridge
  return h(
    'div',
    { class: 'graph' },
    h(Node, { kind: 'source', name: from, ...sourceState(bridge) }),
    h(
      'ul',
      { class: 'legs', 'aria-label': 'Destinations' },
      legs.map((leg, i) =>
        h(Leg, {
          key: i,
          leg,
          onStop: isParted(bridge) && isStoppable(bridge, leg) ? () => onStopLeg(i) : undefined,
        }),
      ),
    ),
  )
}
