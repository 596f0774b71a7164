import { isIPv6 } from 'node:net'

/** Where a door listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

const pattern = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:[\]]*))(?::(?<port>\d{1,5}))?$/

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for every interface (IPv4). Port 0 is any free port.
 * @throws RangeError that says what is wrong with the text.
 */
export const parseAddress = (text: string): Address => {
  const bad = (why: string): RangeError => new RangeError(`"${text}" is not HOST:PORT: ${why}`)
  if (/^\d+$/.test(text)) return parseAddress(`:${text}`)
  const groups = pattern.exec(text)?.groups
  if (groups === undefined) throw bad('write an IPv6 address as [::1]:8080')
  if (groups.port === undefined) throw bad('the port is missing')
  if (groups.v6 !== undefined && !isIPv6(groups.v6)) throw bad('the brackets hold no IPv6 address')
  const port = Number(groups.port)
  if (port > 65535) throw bad(`port ${port} is above 65535`)
  return { host: groups.v6 ?? (groups.host || '0.0.0.0'), port }
}

/** `HOST:PORT` for people and URLs; `any` is what stands for every interface there. */
export const formatAddress = ({ host, port }: Address, any = '127.0.0.1'): string => {
  const shown = host === '0.0.0.0' || host === '::' ? any : host
  return `${isIPv6(shown) ? `[${shown}]` : shown}:${port}`
}
