import { isTooShort } from '../dialog/session-timer.ts'
import type { ResponseDraft } from '../message/format-message.ts'
import { parseNameAddr } from '../message/name-addr.ts'
import type { SipRequest } from '../message/types.ts'
import type { RefusalCause } from '../signalling.ts'
import { acceptedTypes } from '../stack/capabilities.ts'
import type { Stack } from '../stack/stack.ts'

export interface Refusal extends ResponseDraft {
  readonly cause: Exclude<RefusalCause, 'screen'>
  readonly detail: string
}

/** Methods that mean nothing outside a call (RFC 3261 15.1.2, 3262 3, 3311 5.2, 6086 4.2). */
const insideOnly = new Set(['BYE', 'INFO', 'PRACK', 'UPDATE', 'NOTIFY'])

const unsupported = (code: number, detail: string, headers: ResponseDraft['headers']): Refusal => ({
  code,
  headers,
  cause: 'unsupported',
  detail,
})

const checkBody = ({ body, headers }: SipRequest): Refusal | undefined => {
  const encoding = headers.get('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return unsupported(415, `content-encoding ${encoding}`, { 'Accept-Encoding': 'identity' })
  }
  if (body === undefined) return undefined
  const type = body.type.split(';')[0]!.trim()
  if (type === 'application/sdp') return undefined
  return unsupported(415, `a body of type '${type}'`, { Accept: acceptedTypes.join(', ') })
}

const checkTimer = ({ headers }: SipRequest, stack: Stack): Refusal | undefined => {
  if (!isTooShort(headers, stack.sessionTimer)) return undefined
  const minimum = String(stack.sessionTimer.minimumS)
  return unsupported(422, `session-expires ${headers.get('session-expires')}`, { 'Min-SE': minimum })
}

const checkRequired = ({ headers }: SipRequest, stack: Stack): Refusal | undefined => {
  const foreign = headers.list('require').filter(tag => !stack.supported.includes(tag.toLowerCase()))
  if (foreign.length === 0) return undefined
  return unsupported(420, `require ${foreign.join(', ')}`, { Unsupported: foreign.join(', ') })
}

const checkInvite = (request: SipRequest, stack: Stack): Refusal | undefined => {
  const { headers } = request
  const contact = headers.list('contact')
  if (contact.length !== 1 || parseNameAddr(contact[0]!) === undefined) {
    return { code: 400, reason: 'Bad Contact', cause: 'malformed', detail: `${contact.length} contacts` }
  }
  return checkTimer(request, stack) ?? checkBody(request)
}

/** What RFC 3261 8.2 has a server look at before anything else; undefined: nothing is wrong. */
export const inspect = (
  request: SipRequest,
  stack: Stack,
  methods: ReadonlySet<string>,
): Refusal | undefined => {
  const { method } = request
  if (insideOnly.has(method))
    return { code: 481, cause: 'unknown-dialog', detail: `${method} outside a call` }
  if (!methods.has(method)) {
    const { Allow = '' } = stack.capabilities
    return unsupported(405, `method ${method}`, { Allow })
  }
  const required = checkRequired(request, stack)
  if (required !== undefined) return required
  if (stack.table.isMerged(request)) return { code: 482, cause: 'merged', detail: request.callId }
  return method === 'INVITE' ? checkInvite(request, stack) : undefined
}

/** The same within a call: ACK and CANCEL are never refused. */
export const inspectInside = (request: SipRequest, stack: Stack): Refusal | undefined => {
  const { method } = request
  const refreshes = method === 'INVITE' || method === 'UPDATE'
  return checkRequired(request, stack) ?? (refreshes ? checkTimer(request, stack) : undefined)
}
