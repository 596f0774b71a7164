import type { Params } from './types.ts'

export const noParams: Params = new Map()

const unquote = (value: string): string =>
  value.startsWith('"')
    ? value.slice(1, value.endsWith('"') ? -1 : undefined).replace(/\\(.)/gs, '$1')
    : value

/** End of the parameter that begins at `from`: the next ';' outside quotes, or the end. */
const paramEnd = (text: string, from: number): number => {
  let quoted = false
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 0x22) quoted = !quoted
    else if (c === 0x5c && quoted) at++
    else if (c === 0x3b && !quoted) return at
  }
  return text.length
}

/** `;a=1;b;c="x;y"`, from the first ';' on. The first of two parameters with one name counts. */
export const parseParams = (text: string): Params => {
  if (text === '') return noParams
  const params = new Map<string, string>()
  for (let at = 0; at < text.length; ) {
    const end = paramEnd(text, at)
    const equals = text.indexOf('=', at)
    const has = equals >= 0 && equals < end
    const name = text
      .slice(at, has ? equals : end)
      .trim()
      .toLowerCase()
    if (name !== '' && !params.has(name)) {
      params.set(name, has ? unquote(text.slice(equals + 1, end).trim()) : '')
    }
    at = end + 1
  }
  return params
}

const plain = /^[\w.!%*+`'~:[\]/&$@,?-]*$/

const quote = (value: string): string => (plain.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`)

export const formatParams = (params: Params): string => {
  let text = ''
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${quote(value)}`
  return text
}
