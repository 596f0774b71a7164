import { formatParams, noParams, parseParams } from './params.ts'
import type { NameAddr, Params } from './types.ts'
import { formatUri, parseUri } from './uri.ts'

/** Index behind the closing quote of the string that begins at `from`; -1 when it is never closed. */
const quotedEnd = (text: string, from: number): number => {
  for (let at = from + 1; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 0x5c) at++
    else if (c === 0x22) return at + 1
  }
  return -1
}

const paramsBehind = (text: string): Params | undefined => {
  const rest = text.trim()
  if (rest === '') return noParams
  return rest.startsWith(';') ? parseParams(rest.slice(1)) : undefined
}

const inBrackets = (display: string, text: string): NameAddr | undefined => {
  const close = text.indexOf('>')
  if (!text.startsWith('<') || close < 0) return undefined
  const uri = parseUri(text.slice(1, close).trim())
  const params = paramsBehind(text.slice(close + 1))
  return uri === undefined || params === undefined ? undefined : { display, uri, params }
}

/** Without brackets every parameter is the header's (RFC 3261 20.10). */
const bare = (text: string): NameAddr | undefined => {
  const semicolon = text.indexOf(';')
  const uri = parseUri((semicolon < 0 ? text : text.slice(0, semicolon)).trim())
  if (uri === undefined || uri.headers !== undefined) return undefined
  return { display: '', uri, params: semicolon < 0 ? noParams : parseParams(text.slice(semicolon + 1)) }
}

/** Undefined when it is no address with a sip:, sips: or tel: URI. */
export const parseNameAddr = (value: string): NameAddr | undefined => {
  const text = value.trim()
  if (text.startsWith('"')) {
    const end = quotedEnd(text, 0)
    if (end < 0) return undefined
    return inBrackets(text.slice(1, end - 1).replace(/\\(.)/gs, '$1'), text.slice(end).trimStart())
  }
  const open = text.indexOf('<')
  return open < 0 ? bare(text) : inBrackets(text.slice(0, open).trim(), text.slice(open))
}

export const formatNameAddr = ({ display, uri, params }: NameAddr): string => {
  const name = display === '' ? '' : `"${display.replace(/["\\]/g, '\\$&')}" `
  return `${name}<${formatUri(uri)}>${formatParams(params)}`
}

/** The same address with the tag of one side of a dialog. */
export const withTag = (address: NameAddr, tag: string): NameAddr => ({
  ...address,
  params: new Map([...address.params].filter(([name]) => name !== 'tag')).set('tag', tag),
})
