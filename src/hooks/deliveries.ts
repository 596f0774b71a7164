/** The events of one webhook: each stream's in order, each at least once, as long as the queue has room for them. */
import type { Logger } from '../adapters/adapter.ts'
import type { Clock } from '../core/types.ts'
import type { GatewayEvent } from '../events/event.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { WebhookConfig } from './config.ts'
import type { Post, PostResult } from './post.ts'

export interface DeliveriesOptions {
  readonly config: WebhookConfig
  readonly clock: Clock
  readonly log: Logger
  readonly post: Post
  /** In [0, 1): spreads the waits. */
  readonly random: () => number
}
export interface DeliveryCounts {
  delivered: number
  /** Tries that failed. */
  failed: number
  /** Events that found no room. */
  dropped: number
  /** Events that failed in every try. */
  abandoned: number
}

/** One stream's events; the first is being sent, or waits for its next try. */
interface Lane {
  readonly stream: string
  readonly queue: GatewayEvent[]
  attempts: number
  cancel: (() => void) | undefined
}

/** One stream that waits does not make the others wait. */
const maxInFlight = 8
const firstWaitMs = 1000
const longestWaitMs = 60_000

const failureOf = (result: PostResult): string | undefined => {
  if (result.status === undefined) return result.failure
  return result.status >= 200 && result.status < 300 ? undefined : `it answered ${result.status}`
}

export class Deliveries {
  readonly counts: DeliveryCounts = { delivered: 0, failed: 0, dropped: 0, abandoned: 0 }
  /** Events not delivered yet. */
  waiting = 0
  /** May be replaced by another of the same address: what waits goes on by it. */
  config: WebhookConfig
  readonly #options: Omit<DeliveriesOptions, 'config'>
  readonly #url: string
  readonly #lanes = new Map<string, Lane>()
  readonly #ready: Lane[] = []
  #inFlight = 0
  #isFull = false
  #isClosing = false
  #isOver = false
  #onIdle: (() => void) | undefined

  constructor({ config, ...options }: DeliveriesOptions) {
    this.config = config
    this.#options = options
    this.#url = maskUrls(config.url)
  }

  push(event: GatewayEvent): void {
    if (this.waiting >= this.config.queue) {
      this.#drop()
      return
    }
    this.#isFull = false
    this.waiting++
    const stream = event.stream ?? ''
    const lane = this.#lanes.get(stream)
    if (lane !== undefined) lane.queue.push(event)
    else this.#open(stream, event)
  }

  /** What waits is tried once more, now, for at most `graceMs`; the rest is told and forgotten. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    const { clock, log } = this.#options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle = resolve
    const cancel = clock.after(graceMs * 1000, resolve)
    for (const lane of this.#lanes.values()) this.#hurry(lane)
    if (this.#lanes.size > 0) await promise
    cancel()
    this.#isOver = true
    for (const lane of this.#lanes.values()) lane.cancel?.()
    if (this.waiting > 0) log.warn({ webhook: this.#url, events: this.waiting }, 'webhook: not delivered')
  }

  #open(stream: string, event: GatewayEvent): void {
    const lane: Lane = { stream, queue: [event], attempts: 0, cancel: undefined }
    this.#lanes.set(stream, lane)
    this.#ready.push(lane)
    this.#pump()
  }

  #hurry(lane: Lane): void {
    if (lane.cancel === undefined) return
    lane.cancel()
    lane.cancel = undefined
    this.#ready.push(lane)
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight < maxInFlight && !this.#isOver) {
      const lane = this.#ready.shift()
      if (lane === undefined) return
      this.#inFlight++
      void this.#send(lane, lane.queue[0]!)
    }
  }

  async #send(lane: Lane, event: GatewayEvent): Promise<void> {
    const { post } = this.#options
    const failure = failureOf(await post({ ...this.config, id: event.id, body: JSON.stringify(event) }))
    this.#inFlight--
    if (failure === undefined) {
      this.counts.delivered++
      this.#next(lane)
    } else {
      this.counts.failed++
      this.#retry(lane, event, failure)
    }
    this.#pump()
    if (this.#lanes.size === 0) this.#onIdle?.()
  }

  #next(lane: Lane): void {
    lane.queue.shift()
    lane.attempts = 0
    this.waiting--
    if (lane.queue.length > 0) this.#ready.push(lane)
    else this.#lanes.delete(lane.stream)
  }

  #retry(lane: Lane, { id, type, stream }: GatewayEvent, failure: string): void {
    const { clock, log, random } = this.#options
    const tries = ++lane.attempts
    const fields = { webhook: this.#url, event: id, type, stream, tries }
    if (tries >= this.config.attempts || this.#isClosing) {
      this.counts.abandoned++
      log.error(fields, `webhook: given up: ${failure}`)
      this.#next(lane)
      return
    }
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 1)) * (0.75 + random() / 2)
    log.warn(fields, `webhook: tries again in ${Math.round(waitMs)} ms: ${failure}`)
    lane.cancel = clock.after(waitMs * 1000, () => {
      lane.cancel = undefined
      this.#ready.push(lane)
      this.#pump()
    })
  }

  /** Told once until there is room again; counted always. */
  #drop(): void {
    this.counts.dropped++
    if (this.#isFull) return
    this.#isFull = true
    this.#options.log.error(
      { webhook: this.#url, queue: this.config.queue },
      'webhook: the queue is full, events are dropped',
    )
  }
}
