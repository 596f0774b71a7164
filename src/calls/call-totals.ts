/** What is summed up of calls: it never falls when one ends. */
import type { CallEvent, CallInfo } from '../adapters/call-desk.ts'

/** How a call went, in few words that are always the same. */
export type CallOutcome = 'answered' | 'busy' | 'declined' | 'unanswered' | 'cancelled' | 'refused' | 'failed'

const outcomes: Readonly<Record<number, CallOutcome>> = {
  408: 'unanswered',
  480: 'unanswered',
  486: 'busy',
  487: 'cancelled',
  600: 'busy',
  603: 'declined',
}

export const outcomeOf = ({ answeredAt, reason }: CallInfo): CallOutcome => {
  if (answeredAt !== undefined) return 'answered'
  const code = reason?.code ?? 0
  if (code === 0) return 'cancelled'
  return outcomes[code] ?? (code < 500 ? 'refused' : 'failed')
}

export interface CallTotals {
  /** By "direction outcome". */
  readonly ended: Map<string, number>
  seconds: number
  digits: number
  packetsReceived: number
  packetsLost: number
  packetsSent: number
}

export const createCallTotals = (): CallTotals => ({
  ended: new Map(),
  seconds: 0,
  digits: 0,
  packetsReceived: 0,
  packetsLost: 0,
  packetsSent: 0,
})

const addEnded = (totals: CallTotals, call: CallInfo): void => {
  const key = `${call.direction} ${outcomeOf(call)}`
  totals.ended.set(key, (totals.ended.get(key) ?? 0) + 1)
  if (call.answeredAt !== undefined && call.endedAt !== undefined)
    totals.seconds += (call.endedAt - call.answeredAt) / 1e6
  for (const { received, sent } of call.media) {
    totals.packetsReceived += received.packets
    totals.packetsLost += received.lost
    totals.packetsSent += sent.packets
  }
}

export const countCallEvent = (totals: CallTotals, event: CallEvent): void => {
  if (event.type === 'call:ended') addEnded(totals, event.call)
  else if (event.type === 'call:dtmf') totals.digits++
}
