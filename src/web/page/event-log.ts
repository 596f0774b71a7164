/** What happens in the gateway, as it happens: server-sent events, read by fetch so that a token can go along. */
import { ask } from './api.ts'
import { h } from './element.ts'

interface EventView {
  readonly id: string
  readonly time: string
  readonly type: string
  readonly stream?: string
  readonly reason?: string
  readonly data?: Readonly<Record<string, unknown>>
}

const shown = 100
const retryMs = 3000

/** The `data:` lines of whole messages; the rest stays in the buffer. */
const takeMessages = (buffer: string): readonly [messages: readonly string[], rest: string] => {
  const parts = buffer.split('\n\n')
  const rest = parts.pop() ?? ''
  const messages = parts.map(part =>
    part
      .split('\n')
      .filter(line => line.startsWith('data:'))
      .map(line => line.slice('data:'.length).trim())
      .join('\n'),
  )
  return [messages.filter(text => text !== ''), rest]
}

const follow = async (last: string | undefined, signal: AbortSignal, tell: (event: EventView) => void) => {
  const query = last === undefined ? 'recent=30' : `lastEventId=${encodeURIComponent(last)}`
  const { body } = await ask(`/v1/events?${query}`, { signal })
  let buffer = ''
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const [messages, rest] = takeMessages(buffer + part.value.replaceAll('\r', ''))
    buffer = rest
    for (const message of messages) tell(JSON.parse(message))
  }
}

const row = ({ time, type, stream, reason, data }: EventView): HTMLElement => {
  const what = [stream, data?.label ?? data?.to, reason].filter(word => typeof word === 'string')
  const clock = new Date(time).toLocaleTimeString()
  return h(
    'li',
    { 'data-type': type.split(':')[0] },
    h('time', { datetime: time }, clock),
    h('b', {}, type),
    h('span', {}, what.join(' · ')),
  )
}

export const eventLog = (): { readonly element: HTMLElement; close(): void } => {
  const stopped = new AbortController()
  const list = h('ol', { class: 'events', tabindex: 0, 'aria-label': 'Newest first' })
  const note = h('p', { class: 'facts', role: 'status' }, 'Connecting')
  let last: string | undefined

  const tell = (event: EventView): void => {
    last = event.id
    note.textContent = ''
    list.prepend(row(event))
    while (list.children.length > shown) list.lastElementChild?.remove()
  }
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await follow(last, stopped.signal, tell).catch((error: Error) => {
        if (!stopped.signal.aborted) note.textContent = `${error.message}; trying again`
      })
      await new Promise(resolve => setTimeout(resolve, retryMs))
    }
  }
  void run()
  return {
    element: h('section', { class: 'card', 'aria-label': 'Events' }, h('h2', {}, 'Events'), note, list),
    close: () => stopped.abort(),
  }
}
