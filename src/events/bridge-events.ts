/** What bridges tell, as events. Their labels have no keys in them. */
import type { BridgeEvent } from '../bridges/bridge-event.ts'
import { describeReason } from '../core/scope.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { EventLog } from './log.ts'

export const appendBridgeEvent = (log: EventLog, event: BridgeEvent): void => {
  const { bridge, stream } = event
  if (event.type === 'changed') {
    const { end, state, retries, detail, code } = event.change
    log.append('leg:changed', { stream, reason: detail, code, data: { bridge, end, state, retries } })
    return
  }
  const { from, to } = event
  if (event.type === 'opened') {
    log.append('bridge:opened', { stream, data: { bridge, from, to } })
  } else {
    const { code } = event.reason
    log.append('bridge:closed', {
      stream,
      code,
      reason: maskUrls(describeReason(event.reason)),
      data: { bridge, from, to },
    })
  }
}
