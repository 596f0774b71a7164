import type { HeaderList } from './header-list.ts'
import { reasonPhrase } from './reason-phrases.ts'
import type { Body, ExtraHeaders } from './types.ts'

/** A request but for its Via, which each try has anew. Addresses are as they go on the wire. */
export interface RequestDraft {
  readonly method: string
  readonly uri: string
  /** Values of Route, in their order. */
  readonly route: readonly string[]
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly headers: ExtraHeaders
  readonly body?: Body | undefined
}

export interface ResponseDraft {
  readonly code: number
  readonly reason?: string | undefined
  /** Added to the To of the request when that has none. */
  readonly toTag?: string | undefined
  readonly headers?: ExtraHeaders | undefined
  readonly body?: Body | undefined
}

/** No value may begin a line of its own. */
const oneLine = (text: string): string => (/[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text)

const formatHeaders = (headers: ExtraHeaders): string => {
  let text = ''
  for (const name in headers) {
    const value = headers[name]!
    for (const line of typeof value === 'string' ? [value] : value)
      text += `${oneLine(name)}: ${oneLine(line)}\r\n`
  }
  return text
}

const formatBody = (body: Body | undefined): string =>
  body === undefined
    ? 'Content-Length: 0\r\n\r\n'
    : `Content-Type: ${oneLine(body.type)}\r\nContent-Length: ${Buffer.byteLength(body.content)}\r\n\r\n${body.content}`

export const formatRequest = (draft: RequestDraft, via: string, userAgent: string): Buffer => {
  let text = `${draft.method} ${draft.uri} SIP/2.0\r\nVia: ${via}\r\nMax-Forwards: 70\r\n`
  for (const route of draft.route) text += `Route: ${route}\r\n`
  text += `From: ${draft.from}\r\nTo: ${draft.to}\r\nCall-ID: ${draft.callId}\r\n`
  text += `CSeq: ${draft.cseq} ${draft.method}\r\n${formatHeaders(draft.headers)}`
  return Buffer.from(`${text}User-Agent: ${userAgent}\r\n${formatBody(draft.body)}`)
}

const hasTag = /;\s*tag\s*=/i

/** What a response takes over from its request (RFC 3261 8.2.6.2). */
const echo = (request: HeaderList, code: number, toTag: string | undefined): string => {
  let text = ''
  for (const via of request.lines('via')) text += `Via: ${via}\r\n`
  const to = request.get('to') ?? ''
  const tag =
    code > 100 && toTag !== undefined && !hasTag.test(to.slice(to.lastIndexOf('>') + 1))
      ? `;tag=${toTag}`
      : ''
  text += `From: ${request.get('from')}\r\nTo: ${to}${tag}\r\nCall-ID: ${request.get('call-id')}\r\n`
  return `${text}CSeq: ${request.get('cseq')}\r\n`
}

export const formatResponse = (request: HeaderList, draft: ResponseDraft, server: string): Buffer => {
  const { code, reason, toTag, headers, body } = draft
  const line = `SIP/2.0 ${code} ${oneLine(reason ?? reasonPhrase(code))}\r\n`
  const extra = headers === undefined ? '' : formatHeaders(headers)
  return Buffer.from(`${line}${echo(request, code, toTag)}${extra}Server: ${server}\r\n${formatBody(body)}`)
}
