import type { RequestDraft } from '../message/format-message.ts'
import { formatNameAddr, withTag } from '../message/name-addr.ts'
import { noParams } from '../message/params.ts'
import { newCallId, newTag } from '../message/tokens.ts'
import type { NameAddr } from '../message/types.ts'
import { formatUri } from '../message/uri.ts'
import type { RequestOptions, RouteOptions } from '../request.ts'

/** To is the target, unless told otherwise; its transport and other parameters are the way, not the one called. */
export const toAddress = ({ to, uri }: RouteOptions): NameAddr => {
  if (to !== undefined) return to
  const { scheme, user, host, port } = uri
  const params = scheme === 'tel' ? uri.params : noParams
  return {
    display: '',
    uri: { scheme, user, host, ...(port === undefined ? undefined : { port }), params },
    params: noParams,
  }
}

/** A request outside a call. */
export const requestDraft = (options: RequestOptions): RequestDraft => ({
  method: options.method,
  uri: formatUri(options.uri),
  route: (options.route ?? []).map(hop => `<${formatUri(hop)}>`),
  from: formatNameAddr(options.from.params.has('tag') ? options.from : withTag(options.from, newTag())),
  to: formatNameAddr(toAddress(options)),
  callId: options.callId ?? newCallId(),
  cseq: options.cseq ?? 1,
  headers: options.headers ?? {},
  body: options.body,
})
