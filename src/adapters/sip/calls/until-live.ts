/** A caller waits, ringing, for the stream that it is to hear. */
import { describeRefusal } from '../../../core/describe.ts'
import { negotiate } from '../../../core/negotiate.ts'
import { GatewayError } from '../../../errors.ts'
import type { AdapterContext } from '../../adapter.ts'
import type { Agreement } from '../offer-answer/types.ts'
import type { Call } from './call.ts'
import { callAccepts } from './call-egress.ts'

/** @throws GatewayError 'stream-offline' when that takes longer than `waitMs`, 'closed' when `signal` aborts */
export const untilLive = (
  { registry, clock }: Pick<AdapterContext, 'registry' | 'clock'>,
  stream: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const isLive = (): boolean => registry.find(stream)?.state === 'ready'
    if (isLive()) {
      resolve()
      return
    }
    const finish = (error?: GatewayError): void => {
      signal.removeEventListener('abort', aborted)
      for (const stop of stops) stop()
      if (error === undefined) resolve()
      else reject(error)
    }
    const late = new GatewayError('stream-offline', `${stream} was not live within ${waitMs} ms`)
    const aborted = (): void => finish(new GatewayError('closed', 'the caller has gone'))
    const stops = [
      clock.after(waitMs * 1000, () => finish(late)),
      registry.on('stream:ready', () => void (isLive() && finish())),
    ]
    signal.addEventListener('abort', aborted)
    if (signal.aborted) aborted()
    else registry.wake(stream)
  })

/**
 * Whether what was agreed can carry what is to be heard; better known before the answer than after it.
 * @throws GatewayError 'no-common-codec', 'b-frames', 'transcode-unavailable'
 */
export const checkHearing = (
  { board }: Pick<Call, 'board'>,
  stream: string,
  agreement: Agreement | undefined,
): void => {
  const { registry } = board.context
  const tracks = registry.find(stream)?.tracks
  if (tracks === undefined || agreement === undefined) return
  const plan = negotiate(tracks, callAccepts(agreement.lines), registry.policy(stream))
  if (!plan.ok) throw new GatewayError(plan.code, describeRefusal(plan))
}
