import { isIPv6 } from 'node:net'
import { GatewayError } from '../errors.ts'

/** Where a door listens. An empty host is every interface of the machine. */
export interface Address {
  readonly host: string
  readonly port: number
}

const pattern = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:[\]]*))(?::(?<port>\d{1,5}))?$/

/**
 * Reads `HOST:PORT`, `:PORT`, `PORT` or `[IPv6]:PORT`. Port 0 is any free port.
 * @throws GatewayError `bad-config` with the text in it.
 */
export const parseAddress = (text: string): Address => {
  const bad = (why: string): GatewayError =>
    new GatewayError('bad-config', `"${text}" is not an address to listen on (HOST:PORT): ${why}`)
  if (/^\d+$/.test(text)) return parseAddress(`:${text}`)
  const groups = pattern.exec(text)?.groups
  if (groups === undefined) throw bad('write an IPv6 address as [::1]:8080')
  if (groups.port === undefined) throw bad('the port is missing')
  if (groups.v6 !== undefined && !isIPv6(groups.v6)) throw bad('the brackets hold no IPv6 address')
  const port = Number(groups.port)
  if (port > 65535) throw bad(`port ${port} is above 65535`)
  return { host: groups.v6 ?? groups.host ?? '', port }
}

/** `HOST:PORT` for people and URLs; every interface is written as the host `any` stands for. */
export const formatAddress = ({ host, port }: Address, any = '127.0.0.1'): string => {
  const shown = host === '' || host === '0.0.0.0' || host === '::' ? any : host
  return `${isIPv6(shown) ? `[${shown}]` : shown}:${port}`
}
