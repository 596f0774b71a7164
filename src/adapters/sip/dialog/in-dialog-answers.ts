import type { ExtraHeaders } from '../message/types.ts'
import type { IncomingRequest } from '../request.ts'
import type { SessionEvents } from '../session.ts'

/** What a request in a call is answered when nobody takes it. An INFO without a body only asks whether we are there. */
const otherwise = ({ method, body }: IncomingRequest['request']): number => {
  if (method === 'INFO') return body === undefined ? 200 : 415
  if (method === 'REFER') return 603
  if (method === 'NOTIFY' || method === 'PRACK') return 481
  return 405
}

const takers = { INFO: 'info', REFER: 'refer', NOTIFY: 'notify', MESSAGE: 'message' } as const

const isTaken = (method: string): method is keyof typeof takers => Object.hasOwn(takers, method)

/** Gives the request to the listener, or answers it as somebody who does not know it. */
export const answerInDialog = (
  exchange: IncomingRequest,
  events: SessionEvents | undefined,
  capabilities: ExtraHeaders,
): void => {
  const { method } = exchange.request
  const take = isTaken(method) ? events?.[takers[method]] : undefined
  if (take !== undefined) take.call(events, exchange)
  else if (method === 'OPTIONS') exchange.reply(200, { headers: capabilities })
  else exchange.reply(otherwise(exchange.request), { headers: capabilities })
}
