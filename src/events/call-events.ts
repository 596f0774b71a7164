/** What calls tell, as events. Digits are in them, for they are commands; PINs are never told. */
import type { CallEvent, CallInfo } from '../adapters/call-desk.ts'
import { type CallTotals, countCallEvent, createCallTotals } from '../calls/call-totals.ts'
import type { Calls } from '../calls/calls.ts'
import type { EventFacts } from './event.ts'
import type { EventLog } from './log.ts'
import type { TellRefusal } from './refusals.ts'

const aboutCall = (call: CallInfo): Readonly<Record<string, unknown>> => {
  const { id, protocol, direction, from, to, account, route, publish, hear } = call
  return { call: id, protocol, direction, from, to, account, route, publish, hear }
}

const numbers = ({ media, answeredAt, endedAt }: CallInfo): Readonly<Record<string, unknown>> => ({
  seconds: answeredAt === undefined || endedAt === undefined ? 0 : (endedAt - answeredAt) / 1e6,
  media: media.map(({ kind, codec, srtp, received, sent, mos, roundTripMs }) => {
    const { packets, lost, jitterMs } = received
    return { kind, codec, srtp, packets, lost, jitterMs, sent: sent.packets, mos, roundTripMs }
  }),
})

const factsOf = (event: Exclude<CallEvent, { type: 'call:refused' | 'account:changed' }>): EventFacts => {
  const { call } = event
  const about = { stream: call.publish, data: aboutCall(call) }
  switch (event.type) {
    case 'call:ended': {
      const { code, detail, by } = event.reason
      return { ...about, code: String(code), reason: detail, data: { ...about.data, by, ...numbers(call) } }
    }
    case 'call:dtmf':
      return { ...about, data: { ...about.data, digit: event.digit, how: event.how } }
    case 'call:transferred':
      return { ...about, reason: event.result.detail, data: { ...about.data, done: event.result.done } }
    case 'call:held':
      return { ...about, data: { ...about.data, hold: call.hold } }
    default:
      return { ...about, data: { ...about.data, codecs: call.media.map(({ codec }) => codec) } }
  }
}

const appendCallEvent = (log: EventLog, tell: TellRefusal, event: CallEvent): void => {
  if (event.type === 'account:changed') {
    const { name, uri, state, error } = event.account
    log.append('account:changed', { reason: error, data: { account: name, uri, state } })
  } else if (event.type === 'call:refused') {
    const { from, to, remote, reason, refused } = event
    tell('call:refused', {
      code: String(reason.code),
      reason: reason.detail,
      data: { from, to, remote, refused },
    })
  } else log.append(event.type, factsOf(event))
}

/** Every call is told and counted from now on; the sums are what is returned. */
export const followCalls = (calls: Calls, log: EventLog, tell: TellRefusal): CallTotals => {
  const totals = createCallTotals()
  calls.on(event => {
    countCallEvent(totals, event)
    appendCallEvent(log, tell, event)
  })
  return totals
}
