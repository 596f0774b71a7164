/** Does a stream get to where it is sent? */
import type { LegView, StreamView, SubscriberView } from './api.ts'
import type { Verdict } from './verdict.ts'
import { count } from './words.ts'

/** Connecting for the first time is no trouble. */
const isDown = ({ state, retries }: LegView): boolean =>
  state === 'failed' || state === 'backoff' || (state === 'connecting' && retries > 0)

/** "failed after 3 retries", "not reached, try 4 in 6 s" */
const howIsIt = ({ state, retries, nextRetryAt }: LegView): string => {
  if (state === 'failed') return `failed after ${count(retries, 'retry', 'retries')}`
  if (nextRetryAt === null) return `not reached, try ${retries + 1}`
  const seconds = Math.max(0, Math.ceil((Date.parse(nextRetryAt) - Date.now()) / 1000))
  return `not reached, try ${retries + 1} in ${seconds} s`
}

/** Those that have failed come first: nothing brings them back. */
export const judgeDestinations = ({ legs = [] }: StreamView): Verdict | undefined => {
  const down = legs.filter(isDown)
  const worst = down.find(({ state }) => state === 'failed') ?? down[0]
  if (worst === undefined) return undefined
  const others = down.length > 1 ? `; ${down.length} of ${legs.length} destinations get nothing` : ''
  // What is tried again tells why among the bridges; here it would hide the rest.
  const why = worst.state !== 'failed' || worst.lastError === null ? '' : ` (${worst.lastError})`
  return { tone: 'bad', words: `${worst.to} ${howIsIt(worst)}${why}${others}` }
}

/** What a reader was not given because it was too slow; to wait for a key frame is no trouble of its own. */
const lateOf = ({ stats }: SubscriberView): number =>
  stats.dropped - (stats.droppedBy['waiting-for-key'] ?? 0)

/** `before` is the view a moment ago. */
export const judgeReaders = (
  { subscribers = [] }: StreamView,
  before: StreamView | undefined,
): Verdict | undefined => {
  const slow = subscribers.flatMap(reader => {
    const same = before?.subscribers?.find(({ id }) => id === reader.id)
    const late = same === undefined ? 0 : lateOf(reader) - lateOf(same)
    return late > 0 ? [{ label: reader.label, late }] : []
  })
  const worst = slow.sort((one, other) => other.late - one.late)[0]
  if (worst === undefined) return undefined
  const share = `${slow.length} of ${count(subscribers.length, 'reader')} too slow`
  return { tone: 'poor', words: `${share}: ${worst.late} dropped in the last seconds for ${worst.label}` }
}
