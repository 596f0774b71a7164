/** REFER (RFC 3515), both ways: a call of ours is passed on, or we are asked to call somebody else. */
import { GatewayError, toGatewayError } from '../../../errors.ts'
import type { CallInfo, TransferResult } from '../../call-desk.ts'
import { parseNameAddr } from '../message/name-addr.ts'
import type { ExtraHeaders, SipRequest, SipUri } from '../message/types.ts'
import { formatUri, parseUri } from '../message/uri.ts'
import type { IncomingRequest } from '../request.ts'
import type { Session } from '../session.ts'
import type { Call } from './call.ts'

/** Seconds that a transfer may be told of. */
const SUBSCRIPTION_S = 60
const fragment = /^SIP\/2\.0 (\d{3}) ?(.*)/

/** `SIP/2.0 180 Ringing`, the first line of a message/sipfrag (RFC 3420). */
const readFragment = (content: string): { readonly code: number; readonly reason: string } | undefined => {
  const [, code, reason = ''] = fragment.exec(content) ?? []
  return code === undefined ? undefined : { code: Number(code), reason: reason.trim() }
}

/**
 * The far side is asked to call somebody else, and to leave us.
 * @throws GatewayError 'bad-url', 'refused' when it does not try, 'timeout' when nothing more is heard, 'closed'
 */
export const transferCall = async (call: Call, to: string): Promise<TransferResult> => {
  const session = call.liveSession()
  if (parseUri(to) === undefined)
    throw new GatewayError('bad-url', `no sip: or tel: address can be read in ${to.slice(0, 64)}`)
  if (call.transferring !== undefined)
    throw new GatewayError('busy', `call ${call.id} is being transferred already`)
  const told = Promise.withResolvers<TransferResult>()
  call.transferring = told
  told.promise.catch(() => undefined)
  const { context, config } = call.board
  const cancel = context.clock.after(config.timeouts.transferMs * 1000, () =>
    told.reject(new GatewayError('timeout', `nothing was heard of the transfer to ${to}`)),
  )
  void call.done.then(({ reason }) => told.reject(new GatewayError('closed', reason?.detail)))
  try {
    const response = await session.refer(`<${to}>`)
    if (response.code >= 300)
      throw new GatewayError('refused', `the far side answered ${response.code} ${response.reason}`)
    const result = await told.promise
    finish(call, to, result)
    return result
  } finally {
    cancel()
    call.transferring = undefined
  }
}

/** A call that is somewhere else now is over here. */
const finish = (call: Call, to: string, result: TransferResult): void => {
  const how = result.done ? 'transferred' : 'not transferred'
  call.log.info({ to, code: result.code }, `call ${call.id} ${how} to ${to}: ${result.detail}`)
  if (call.isOver) return
  call.board.tell({ type: 'call:transferred', call: call.info, result })
  if (result.done) void call.end({ code: 0, by: 'us', detail: `transferred to ${to}` })
}

/** How a transfer that we asked for goes. */
export const takeNotify = (call: Call, incoming: IncomingRequest): void => {
  const { request } = incoming
  const event = (request.headers.get('event') ?? '').split(';')[0]!.trim()
  if (event !== 'refer' || call.transferring === undefined) {
    incoming.reply(481)
    return
  }
  incoming.reply(200)
  const state = request.headers.get('subscription-state') ?? ''
  const found = readFragment(request.body?.content ?? '')
  if (found !== undefined && found.code >= 200) {
    const { code, reason } = found
    call.transferring.resolve({ done: code < 300, code, detail: `${code} ${reason}` })
  } else if (state.startsWith('terminated'))
    call.transferring.resolve({ done: false, code: 0, detail: 'the far side did not say how it went' })
}

/** Whether the rule of a call lets somebody else have it. */
export const mayBePassedTo = (call: Call, { user, host }: SipUri): boolean => {
  const rule = call.about.route?.transfer
  if (rule === undefined || rule === false) return false
  return rule.to.some(beginning =>
    beginning.startsWith('@') ? beginning.slice(1).toLowerCase() === host : user.startsWith(beginning),
  )
}

/** Progress of the new call, told to whoever asked for it. */
const tellProgress = (session: Session, code: number, reason: string): void => {
  if (session.ended) return
  const state = code < 200 ? `active;expires=${SUBSCRIPTION_S}` : 'terminated;reason=noresource'
  const body = { type: 'message/sipfrag;version=2.0', content: `SIP/2.0 ${code} ${reason}\r\n` }
  void session.notify('refer', state, { body })
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * What the new call says of the old one: the dialog whose place it takes, which Refer-To has behind `?` (RFC 3891),
 * and who asked for it (RFC 3892).
 */
const headersOf = ({ headers: given = '' }: SipUri, request: SipRequest): ExtraHeaders => {
  const named = new Map(
    given.split('&').map(field => {
      const [name = '', value = ''] = field.split('=', 2)
      return [name.toLowerCase(), decoded(value)] as const
    }),
  )
  const replaces = named.get('replaces')
  const referredBy = request.headers.get('referred-by')
  return {
    ...(replaces !== undefined && { Replaces: replaces }),
    ...(replaces !== undefined && named.get('require') === 'replaces' && { Require: 'replaces' }),
    ...(referredBy !== undefined && { 'Referred-By': referredBy }),
  }
}

const follow = async (call: Call, session: Session, target: SipUri, headers: ExtraHeaders): Promise<void> => {
  tellProgress(session, 100, 'Trying')
  const { headers: _inside, ...plain } = target
  const next = await call.board.dial({
    to: formatUri(plain),
    publish: call.media.ingest?.stream,
    hear: call.hearing.stream,
    takesOver: true,
    headers,
    resolveHost: call.board.context.resolveForPeers,
  })
  next.onRinging = () => tellProgress(session, 180, 'Ringing')
  // Told before the new call takes the old one's place, which ends it.
  next.onAnswered = () => tellProgress(session, 200, 'OK')
  const { answeredAt, reason } = await next.done
  if (answeredAt === undefined) tellFailure(call, session, reason)
}

const tellFailure = (call: Call, session: Session, reason: CallInfo['reason']): void => {
  const code = reason !== undefined && reason.code >= 300 ? reason.code : 503
  call.log.info({ code }, `the transfer asked for failed: ${reason?.detail}`)
  tellProgress(session, code, 'Failed')
}

/** The far side asks us to call somebody else: only where a rule allows it, for calls cost money. */
export const takeRefer = (call: Call, incoming: IncomingRequest): void => {
  const target = referTarget(incoming.request.headers.get('refer-to') ?? '')
  const { session } = call
  if (target === undefined || session === undefined) {
    incoming.reply(400, { reason: 'Refer-To cannot be read' })
    return
  }
  if (!mayBePassedTo(call, target)) {
    call.log.warn(
      { to: formatUri(target) },
      `REFER of the far side declined: no rule allows ${target.user}@${target.host}`,
    )
    incoming.reply(603)
    return
  }
  incoming.reply(202)
  follow(call, session, target, headersOf(target, incoming.request)).catch((thrown: unknown) => {
    const error = toGatewayError(thrown)
    call.log.warn({ code: error.code }, `the transfer asked for failed: ${error.message}`)
    tellProgress(session, error.code === 'forbidden' ? 603 : 503, 'Failed')
  })
}

const referTarget = (text: string): SipUri | undefined => {
  const uri = parseNameAddr(text)?.uri
  return uri?.scheme === 'tel' ? undefined : uri
}
