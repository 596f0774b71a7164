import { splitList } from './header-list.ts'
import { noParams, parseParams } from './params.ts'
import type { Via } from './types.ts'
import { hostOfIp, parseHostPort } from './uri.ts'

const pattern = /^SIP\s*\/\s*2\.0\s*\/\s*([\w.!%*+`'~-]+)\s+([^\s;]+(?:\s*:\s*\d+)?)\s*(;.*)?$/is

/** One hop; undefined when it cannot be read. */
export const parseVia = (value: string): Via | undefined => {
  const match = pattern.exec(value)
  if (match === null) return undefined
  const where = parseHostPort(match[2]!)
  if (where === undefined) return undefined
  const params = match[3] === undefined ? noParams : parseParams(match[3].slice(1))
  return { transport: match[1]!.toUpperCase(), ...where, params }
}

/** The uppermost hop of a Via line that may name several. */
export const topVia = (line: string): string => (line.includes(',') ? (splitList(line)[0] ?? '') : line)

const differs = (via: Via, ip: string): boolean => via.host !== hostOfIp(ip)

/** The line with what RFC 3261 18.2.1 and RFC 3581 4 have a server add: `received` and the value of `rport`. */
export const stampVia = (line: string, via: Via, ip: string, port: number): string => {
  const first = topVia(line)
  const asked = via.params.has('rport')
  if (!asked && !differs(via, ip)) return line
  const kept = first.replace(/;\s*(?:received|rport)(?:\s*=\s*[^;,\s]*)?/gi, '')
  const stamped = `${kept};received=${ip}${asked ? `;rport=${port}` : ''}`
  return stamped + line.slice(line.indexOf(first) + first.length)
}
