/** A feed in the form the source does not write: its converter lives while somebody listens, and 5 s longer. */
import type { Form, MediaOf } from '../media/types.ts'
import { FanFeed, type FeedOptions } from './feed.ts'
import { Shared } from './shared.ts'
import type { Clock } from './types.ts'

export interface Converter<U> {
  push(unit: U): void
  close?(): void
}
export interface DerivedFeedOptions<From extends Form, To extends Form> {
  readonly clock: Clock
  readonly lingerUs: number
  readonly from: FanFeed<From>
  readonly to: FeedOptions<To>
  readonly make: (emit: (unit: MediaOf[To]) => void) => Converter<MediaOf[From]>
}
export interface DerivedFeed<To extends Form> {
  readonly feed: FanFeed<To>
  /** The converter exists, now. */
  readonly alive: boolean
  end(): void
}

export const createDerivedFeed = <From extends Form, To extends Form>(
  options: DerivedFeedOptions<From, To>,
): DerivedFeed<To> => {
  const { clock, lingerUs, from, to, make } = options
  const open = (): (() => void) => {
    const converter = make(unit => feed.push(unit))
    const detach = from.attach({
      write: unit => converter.push(unit),
      failed: error => {
        shared.end()
        feed.fail(error)
      },
    })
    for (const unit of from.cache?.units() ?? []) converter.push(unit)
    return () => {
      detach()
      converter.close?.()
      feed.forget()
    }
  }
  const shared = new Shared({ clock, lingerUs, open, close: stop => stop() })
  const feed = new FanFeed<To>({
    ...to,
    onFirst: () => void shared.acquire(),
    onLast: () => shared.release(),
  })
  return {
    feed,
    get alive() {
      return shared.value !== undefined
    },
    end: () => shared.end(),
  }
}
