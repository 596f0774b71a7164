/** Everything that is carried on: bridges drawn, destinations added and stopped, and what happened. */
import { type BridgeView, closeBridge, listBridges, openBridge } from './api.ts'
import { bridgeGraph } from './bridge-graph.ts'
import { h, icon } from './element.ts'
import { eventLog } from './event-log.ts'
import { every, statusLine } from './parts.ts'
import type { View } from './watch-view.ts'

const isOver = ({ state }: BridgeView): boolean => state === 'ended' || state === 'failed'

const field = (id: string, label: string, input: HTMLInputElement): HTMLElement => {
  input.id = id
  return h('div', {}, h('label', { for: id }, label), input)
}

const addForm = (stream: string | undefined, done: () => void): HTMLElement => {
  const text = { required: true, autocomplete: 'off', spellcheck: 'false', maxlength: 2048 }
  const from = h('input', { ...text, value: `stream:${stream ?? 'live/cam'}` })
  const to = h('input', { ...text, placeholder: 'rtmp://…, youtube:KEY, or a file name like cam.flv' })
  const status = statusLine()
  const button = h(
    'button',
    { class: 'primary', type: 'submit', id: 'add-bridge' },
    icon('add'),
    'Add destination',
  )
  const submit = async (): Promise<void> => {
    button.disabled = true
    status.set('busy', 'Connecting')
    try {
      await openBridge(from.value.trim(), [to.value.trim()])
      status.set('idle', '')
      to.value = ''
      done()
    } catch (error) {
      status.set('bad', (error as Error).message)
    } finally {
      button.disabled = false
    }
  }
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    void submit()
  }
  return h(
    'form',
    { class: 'card form', 'aria-label': 'Add a destination', on: { submit: onSubmit } },
    h('h2', {}, 'Send a stream on'),
    field('bridge-from', 'From', from),
    field('bridge-to', 'To', to),
    h('div', { class: 'row' }, button, status.element),
  )
}

const bridgeCard = (bridge: BridgeView, changed: () => void): HTMLElement => {
  const over = isOver(bridge)
  const words = over ? 'Forget' : 'Stop'
  const click = (): void => void closeBridge(bridge.id).then(changed, changed)
  const label = `${words} the bridge from ${bridge.from}`
  const stop = h(
    'button',
    { class: over ? 'quiet' : 'danger', type: 'button', 'aria-label': label, on: { click } },
    words,
  )
  return h(
    'li',
    { class: 'card', 'data-bridge': bridge.id },
    bridgeGraph(bridge),
    h('div', { class: 'row end' }, stop),
  )
}

/** `stream`: offered as the source of a new bridge. */
export const bridgesView = (stream: string | undefined): View => {
  const list = h('ul', { class: 'bridges' })
  const empty = h('p', { class: 'card facts' }, 'No stream is sent on yet.')
  const log = eventLog()
  let drawn = ''

  const show = (bridges: readonly BridgeView[]): void => {
    const text = JSON.stringify(bridges)
    if (text === drawn) return
    drawn = text
    const focused = document.activeElement?.getAttribute('aria-label')
    empty.hidden = bridges.length > 0
    list.replaceChildren(...bridges.map(bridge => bridgeCard(bridge, refresh)))
    for (const button of list.querySelectorAll('button'))
      if (button.getAttribute('aria-label') === focused) button.focus()
  }
  const load = async (): Promise<void> => show(await listBridges())
  const refresh = (): void => void load().catch(() => undefined)
  const stopLoading = every(1000, load)
  const title = h('header', { class: 'title' }, h('h1', {}, 'Bridges'))
  return {
    element: h('div', { class: 'main' }, title, list, empty, addForm(stream, refresh), log.element),
    close() {
      stopLoading()
      log.close()
    },
  }
}
