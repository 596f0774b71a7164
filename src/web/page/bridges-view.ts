/** Everything that is carried on: bridges drawn, destinations added and stopped, and what happened. */
import { type ComponentChild, h } from 'preact'
import { useRef } from 'preact/hooks'
import { type BridgeView, closeBridge, closeLeg, listBridges } from './api.ts'
import { BridgeForm } from './bridge-form.ts'
import { BridgeGraph, isOver, isParted } from './bridge-graph.ts'
import { EventLog } from './event-log.ts'
import { useKeptFocus } from './kept-focus.ts'
import { PeersOf } from './peer-details.ts'
import { usePolled } from './polling.ts'

interface BridgeCardProps {
  readonly bridge: BridgeView
  readonly onChanged: () => void
}
const BridgeCard = ({ bridge, onChanged }: BridgeCardProps): ComponentChild => {
  const card = useRef<HTMLLIElement>(null)
  useKeptFocus(card)
  const over = isOver(bridge)
  const words = over ? 'Forget' : isParted(bridge) ? 'Stop all' : 'Stop'
  const onClick = (): void => void closeBridge(bridge.id).then(onChanged, onChanged)
  const onStopLeg = (place: number): void => void closeLeg(bridge.id, place).then(onChanged, onChanged)
  const label = `${words}${words === 'Stop all' ? ' destinations of' : ''} the bridge from ${bridge.from}`
  const look = over ? 'quiet' : 'danger'
  const stop = h('button', { class: look, type: 'button', 'aria-label': label, onClick }, words)
  return h(
    'li',
    { ref: card, class: 'card', 'data-bridge': bridge.id },
    h(BridgeGraph, { bridge, onStopLeg }),
    over ? null : h(PeersOf, { bridge }),
    h('div', { class: 'row end' }, stop),
  )
}

/** `stream`: offered as the source of a new bridge. */
export const BridgesView = ({ stream }: { readonly stream: string }): ComponentChild => {
  const [bridges = [], refresh] = usePolled(1000, listBridges)
  const cards = bridges.map(bridge => h(BridgeCard, { key: bridge.id, bridge, onChanged: refresh }))
  return h(
    'div',
    { class: 'main' },
    h('header', { class: 'title' }, h('h1', { tabIndex: -1 }, 'Bridges')),
    h('ul', { class: 'bridges' }, cards),
    bridges.length === 0 ? h('p', { class: 'card facts' }, 'No stream is sent on yet.') : null,
    h(BridgeForm, { stream, onAdded: refresh }),
    h(EventLog, {}),
  )
}
