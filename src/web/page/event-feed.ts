/** What happens in the gateway, as it happens: server-sent events, read by fetch so that a token can go along. */
import { ask } from './api.ts'

export interface EventView {
  readonly id: string
  readonly time: string
  readonly type: string
  readonly stream?: string
  readonly reason?: string
  readonly data?: Readonly<Record<string, unknown>>
}
export interface EventListener {
  /** Events come from now on. */
  began(): void
  happened(event: EventView): void
  /** The events stopped coming; they are asked for again. */
  lost(why: string): void
}

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

const open = async (last: string | undefined, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> => {
  const query = last === undefined ? 'recent=30' : `lastEventId=${encodeURIComponent(last)}`
  return (await ask(`/v1/events?${query}`, { signal })).body!
}

const readAll = async (body: ReadableStream, tell: (event: EventView) => void): Promise<void> => {
  let buffer = ''
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const [messages, rest] = takeMessages(buffer + part.value.replaceAll('\r', ''))
    buffer = rest
    for (const message of messages) tell(JSON.parse(message))
  }
}

/** Resolves when somebody can see the page, or need not wait for that any more. */
const untilShown = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const look = (): void => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look, { once: true })
    look()
  })

/** Aborts once the page is hidden, or when `stopped` does. */
const whileShown = (stopped: AbortSignal): AbortSignal => {
  const hidden = new AbortController()
  const signal = AbortSignal.any([stopped, hidden.signal])
  const look = (): void => {
    if (document.hidden) hidden.abort()
  }
  document.addEventListener('visibilitychange', look, { signal })
  look()
  return signal
}

/**
 * A browser has six connections for one server over HTTP/1.1, and each stream of events holds one: only pages that are
 * seen have one. Goes on, from the last event it heard, until the returned function is called. */
export const followEvents = ({ began, happened, lost }: EventListener): (() => void) => {
  const stopped = new AbortController()
  let last: string | undefined
  const tell = (event: EventView): void => {
    last = event.id
    happened(event)
  }
  const follow = async (signal: AbortSignal): Promise<void> => {
    const body = await open(last, signal)
    began()
    await readAll(body, tell)
  }
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await untilShown(stopped.signal)
      const signal = whileShown(stopped.signal)
      await follow(signal).catch((error: Error) => {
        if (!signal.aborted) lost(error.message)
      })
      if (signal.aborted) continue
      await new Promise(resolve => setTimeout(resolve, retryMs))
    }
  }
  void run()
  return () => stopped.abort()
}
