/** INVITE with Replaces (RFC 3891): the last step of an attended transfer, where whoever was consulted calls instead. */
import { parseParams } from '../message/params.ts'
import type { SipRequest } from '../message/types.ts'
import type { Call } from './call.ts'
import type { CallRefusal } from './codes.ts'
import { mayBePassedTo } from './transfer.ts'

type Dialog = Pick<NonNullable<Call['session']>, 'callId' | 'localTag' | 'remoteTag'>

/** Somebody has their place, though they are not over yet. */
const replaced = new WeakSet<Call>()

const refusal = (code: number, detail: string): CallRefusal => ({ code, detail })

/** Of a header that was sent to us: `to-tag` is our tag. */
const readReplaces = (text: string): (Dialog & { readonly earlyOnly: boolean }) | undefined => {
  const [, callId = '', rest = ''] = /^\s*([^;\s]+)\s*((?:;.*)?)$/.exec(text) ?? []
  const params = parseParams(rest)
  const [localTag, remoteTag] = [params.get('to-tag'), params.get('from-tag')]
  if (callId === '' || !localTag || !remoteTag) return undefined
  return { callId, localTag, remoteTag, earlyOnly: params.has('early-only') }
}

const isOf = (call: Call, { callId, localTag, remoteTag }: Dialog): boolean =>
  call.session?.callId === callId &&
  call.session.localTag === localTag &&
  call.session.remoteTag === remoteTag

/** Whoever knows the names of a dialog may be anybody: the rule of the call says who may take its place, as for REFER. */
const judge = (call: Call, { from }: SipRequest, earlyOnly: boolean): CallRefusal | undefined => {
  const who = `${from.uri.user}@${from.uri.host}`
  if (call.isOver || replaced.has(call))
    return refusal(603, `call ${call.id}, which ${who} would take the place of, is over`)
  if (earlyOnly) return refusal(486, `call ${call.id}, which ${who} would take the place of, is answered`)
  if (!mayBePassedTo(call, from.uri))
    return refusal(403, `no rule lets ${who} take the place of call ${call.id} (transfer of its rule)`)
  if (!call.isJoined) return refusal(480, `call ${call.id} is still asked for its PIN, or greeted`)
  return undefined
}

/** The call whose place the new one is to take, or why it may not; undefined: it is a call like others. */
export const replacedBy = (request: SipRequest, calls: Iterable<Call>): Call | CallRefusal | undefined => {
  const lines = request.headers.lines('replaces')
  if (lines.length === 0) return undefined
  const named = lines.length === 1 ? readReplaces(lines[0]!) : undefined
  if (named === undefined) return refusal(400, 'Replaces cannot be read, or is there more than once')
  for (const call of calls) if (isOf(call, named)) return judge(call, request, named.earlyOnly) ?? call
  return refusal(481, 'no answered call is the one that Replaces names')
}

/** What whoever takes the place of a call gets of it. */
export const streamsOf = ({ media, hearing }: Call) => ({
  publish: media.ingest?.stream,
  hear: hearing.stream,
})

/** Told before the new call has the old one's streams, which ends it. */
export const tellReplaced = (old: Call, by: Call): void => {
  replaced.add(old)
  const detail = `call ${by.id} from ${by.about.from} takes its place`
  old.log.info({ by: by.id }, `call ${old.id}: ${detail}`)
  if (!old.isOver)
    old.board.tell({ type: 'call:transferred', call: old.info, result: { done: true, code: 200, detail } })
}
