import { HeaderList } from './header-list.ts'
import { sessionPart } from './multipart.ts'
import { parseNameAddr } from './name-addr.ts'
import type { Body, NameAddr, SipRequest, SipResponse } from './types.ts'
import { parseUri, schemeOf } from './uri.ts'
import { parseVia, topVia } from './via.ts'

/** What cannot be read, with the code that a request of its kind is answered. */
export interface Malformed {
  readonly malformed: string
  readonly code: number
  /** Set for a request other than ACK, and when there is enough in it to be answered. */
  readonly headers?: HeaderList
}

export type Parsed = SipRequest | SipResponse | Malformed

const maxHeaderLines = 200
const token = /^[\w.!%*+`'~-]+$/
const emptyLine = Buffer.from('\r\n\r\n')

class Unreadable extends Error {
  readonly code: number
  constructor(message: string, code = 400) {
    super(message)
    this.code = code
  }
}

const isFold = (text: string, at: number): boolean => {
  const c = text.charCodeAt(at)
  return c === 0x20 || c === 0x09
}

/**
 * Adds the lines until the end of `text`, which has no empty one, to `headers`; continuation lines join the one before
 * (RFC 3261 7.3.1). Returns what was wrong, having read on.
 */
const parseHeaders = (text: string, from: number, headers: HeaderList): string | undefined => {
  let problem: string | undefined
  for (let at = from; at < text.length; ) {
    let end = text.indexOf('\r\n', at)
    if (end < 0) end = text.length
    let folded = false
    while (end < text.length && isFold(text, end + 2)) {
      folded = true
      const next = text.indexOf('\r\n', end + 2)
      end = next < 0 ? text.length : next
    }
    const line = text.slice(at, end)
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trimEnd()
    const value = line.slice(colon + 1)
    if (!token.test(name)) problem = 'a header line without a name'
    else headers.add(name, (folded ? value.replace(/\r\n[ \t]+/g, ' ') : value).trim())
    if (headers.length > maxHeaderLines) return `more than ${maxHeaderLines} headers`
    at = end + 2
  }
  return problem
}

/** A header that there may be only once, and must be. */
const single = (headers: HeaderList, name: string): string => {
  const lines = headers.lines(name)
  if (lines.length !== 1 || lines[0] === '') {
    throw new Unreadable(lines.length > 1 ? `more than one ${name} header` : `no ${name} header`)
  }
  return lines[0]!
}

const address = (headers: HeaderList, name: string): NameAddr => {
  const value = parseNameAddr(single(headers, name))
  if (value === undefined) throw new Unreadable(`the ${name} header cannot be read`)
  return value
}

const integer = (text: string, name: string, most: number): number => {
  if (!/^\d+$/.test(text) || Number(text) > most) throw new Unreadable(`${name} ${text.slice(0, 20)}`)
  return Number(text)
}

const parseCseq = (headers: HeaderList): { cseq: number; method: string } => {
  const [number = '', method = '', ...rest] = single(headers, 'cseq').split(/\s+/)
  if (!token.test(method) || rest.length > 0) throw new Unreadable('the cseq header cannot be read')
  return { cseq: integer(number, 'cseq', 0x7fff_ffff), method }
}

/** Length by Content-Length; a datagram may leave it out, and bytes behind it are padding (RFC 3261 18.3). */
const parseBody = (headers: HeaderList, bytes: Buffer, from: number): Body | undefined => {
  const lengths = new Set(headers.lines('content-length'))
  if (lengths.size > 1) throw new Unreadable('content-length is said twice')
  const [said] = lengths
  const there = bytes.length - from
  const length = said === undefined ? there : integer(said, 'content-length', 0x7fff_ffff)
  if (length > there) throw new Unreadable(`content-length ${length}, but ${there} bytes came`)
  if (length === 0) return undefined
  const type = headers.get('content-type') ?? ''
  const content = bytes.toString('utf8', from, from + length)
  return sessionPart(type, content) ?? { type: type.toLowerCase(), content }
}

const common = (headers: HeaderList, bytes: Buffer, bodyAt: number) => {
  const body = parseBody(headers, bytes, bodyAt)
  return {
    headers,
    from: address(headers, 'from'),
    to: address(headers, 'to'),
    callId: single(headers, 'call-id'),
    ...parseCseq(headers),
    ...(body === undefined ? undefined : { body }),
  }
}

const parseTopVia = (headers: HeaderList) => {
  const line = headers.get('via')
  const via = line === undefined ? undefined : parseVia(topVia(line))
  if (via === undefined)
    throw new Unreadable(line === undefined ? 'no via header' : 'the via header cannot be read')
  return via
}

const parseRequest = (line: string, headers: HeaderList, bytes: Buffer, bodyAt: number): SipRequest => {
  const [method = '', rawUri = '', version = '', ...rest] = line.split(' ')
  if (rest.length > 0 || !token.test(method) || rawUri === '')
    throw new Unreadable('the request line cannot be read')
  if (version.toUpperCase() !== 'SIP/2.0') throw new Unreadable(`version ${version.slice(0, 20)}`, 505)
  const via = parseTopVia(headers)
  const shared = common(headers, bytes, bodyAt)
  if (shared.method !== method)
    throw new Unreadable(`the request is ${method}, its cseq says ${shared.method}`)
  const uri = parseUri(rawUri)
  if (uri === undefined) {
    const scheme = schemeOf(rawUri)
    const foreign = scheme !== '' && !['sip', 'sips', 'tel'].includes(scheme)
    throw new Unreadable('the request-URI cannot be read', foreign ? 416 : 400)
  }
  if (!shared.from.params.has('tag') && via.params.get('branch')?.startsWith('z9hG4bK')) {
    throw new Unreadable('no tag in from')
  }
  const maxForwards = integer(headers.get('max-forwards') ?? '70', 'max-forwards', 255)
  return { ...shared, uri, rawUri, via, maxForwards }
}

const parseResponse = (line: string, headers: HeaderList, bytes: Buffer, bodyAt: number): SipResponse => {
  const match = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/is.exec(line)
  if (match === null) throw new Unreadable('the status line cannot be read')
  return {
    ...common(headers, bytes, bodyAt),
    code: Number(match[1]),
    reason: match[2] ?? '',
    via: parseTopVia(headers),
  }
}

const answerable = (headers: HeaderList, line: string): boolean =>
  !/^(?:ACK|SIP\/2\.0) /i.test(line) &&
  ['via', 'from', 'to', 'call-id', 'cseq'].every(name => headers.has(name))

/** Reads one whole message, as a datagram or a framed stream gives it. Never throws. */
export const parseMessage = (bytes: Buffer): Parsed => {
  let start = 0
  while (bytes[start] === 0x0d || bytes[start] === 0x0a) start++
  const end = bytes.indexOf(emptyLine, start)
  if (end < 0) return { malformed: 'no empty line behind the headers', code: 400 }
  const text = bytes.toString('utf8', start, end)
  const lineEnd = text.indexOf('\r\n')
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd)
  const headers = new HeaderList()
  try {
    const problem = parseHeaders(text, lineEnd < 0 ? text.length : lineEnd + 2, headers)
    if (problem !== undefined) throw new Unreadable(problem)
    const parse = line.slice(0, 4).toUpperCase() === 'SIP/' ? parseResponse : parseRequest
    return parse(line, headers, bytes, end + 4)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const known = answerable(headers, line) ? { headers } : undefined
    return { malformed: error.message, code: error.code, ...known }
  }
}

export const isRequest = (message: SipRequest | SipResponse): message is SipRequest => 'uri' in message
