/** One log line for each change of a bridge's end. */
import type { Logger } from '../adapters/adapter.ts'
import { describeReason } from '../core/scope.ts'
import type { CloseReason } from '../core/types.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { EndChange } from './bridge-event.ts'
import { type LinkStatus, waitsForSource } from './link-state.ts'

const sentence = (status: LinkStatus, reason: CloseReason | undefined): string => {
  const { state, lastError, retries } = status
  const why = lastError?.message ?? ''
  if (state === 'backoff') return waitsForSource(status) ? `waits: ${why}` : `tries again: ${why}`
  if (state === 'failed') return `failed: ${why}`
  if (state === 'ended') return `ended: ${reason === undefined ? '' : describeReason(reason)}`
  return retries === 0 ? state : `${state}, try ${retries + 1}`
}

/** `end`: which end of the bridge, without keys. Returns what it said. */
export const tell = (
  log: Logger,
  end: string,
  status: LinkStatus,
  reason: CloseReason | undefined,
): EndChange => {
  const { state, retries, lastError } = status
  const trouble = state === 'failed' || (state === 'backoff' && !waitsForSource(status))
  const code = trouble ? lastError?.code : undefined
  const detail = maskUrls(sentence(status, reason))
  log[trouble ? 'warn' : 'info']({ end, state, retries, ...(trouble && { code }) }, detail)
  return { end, state, retries, detail, code }
}
