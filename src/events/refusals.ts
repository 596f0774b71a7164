/** Refusals as events. Whoever knocks a thousand times a second must not wash everything else out of the log. */
import type { Clock } from '../core/types.ts'
import type { EventFacts } from './event.ts'
import type { EventLog } from './log.ts'

type Refused = 'publish:refused' | 'subscribe:refused' | 'call:refused'

/** So many a second are told one by one. */
const perSecond = 10

export type TellRefusal = (type: Refused, facts: EventFacts) => void

/** What is beyond the limit is counted, and the count is in the next one told. */
export const createRefusalTeller = (log: EventLog, clock: Clock): TellRefusal => {
  let second = 0
  let told = 0
  let untold = 0
  return (type, facts) => {
    const now = Math.floor(clock.now() / 1e6)
    if (now !== second) told = 0
    second = now
    if (told++ >= perSecond) {
      untold++
      return
    }
    const data = untold === 0 ? facts.data : { ...facts.data, untold }
    untold = 0
    log.append(type, { ...facts, data })
  }
}
