/** The options behind the question mark of a source, each checked and each known. */
import { isIP } from 'node:net'
import { GatewayError } from '../../errors.ts'
import { isNetwork } from '../../net/networks.ts'
import type { LatchMode } from '../../rtp-session/plain/types.ts'
import type { RtpConfig } from './config.ts'
import type { SourceOptions } from './description.ts'

/** Those of every source, whatever describes its media. */
export const COMMON_OPTIONS = ['allow', 'latch', 'peer', 'timeout', 'payload', 'interface'] as const

const bad = (detail: string): GatewayError => new GatewayError('bad-url', detail)

/** @throws GatewayError 'bad-url' that names what is not known */
export const checkNames = (query: URLSearchParams, known: readonly string[]): void => {
  for (const name of query.keys())
    if (!known.includes(name)) throw bad(`there is no option ${name}; known are ${known.join(', ')}`)
}

export const readNumber = (
  query: URLSearchParams,
  name: string,
  min: number,
  max: number,
): number | undefined => {
  const text = query.get(name)
  if (text === null) return undefined
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw bad(`${name} is a number from ${min} to ${max}, not ${text}`)
}

export const readPort = (query: URLSearchParams, name: string): number | undefined =>
  readNumber(query, name, 1, 65_535)

export const readFlag = (query: URLSearchParams, name: string): boolean => {
  const text = query.get(name) ?? 'false'
  if (text === '' || text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw bad(`${name} is true or false, not ${text}`)
}

const readSeconds = (query: URLSearchParams): number | undefined => {
  const text = query.get('timeout')
  if (text === null) return undefined
  if (/^\d{1,5}(\.\d{1,3})?$/.test(text) && Number(text) > 0) return Math.round(Number(text) * 1000)
  throw bad(`timeout is a number of seconds, not ${text}`)
}

const readLatch = (query: URLSearchParams): LatchMode => {
  const text = query.get('latch') ?? 'auto'
  if (text === 'off' || text === 'auto' || text === 'on') return text
  throw bad(`latch is off, auto or on, not ${text}`)
}

const readAllow = (query: URLSearchParams, config: RtpConfig): readonly string[] | undefined => {
  const text = query.get('allow')
  if (text === null) return config.allow.length === 0 ? undefined : config.allow
  const networks = text.split(',').map(part => part.trim())
  const wrong = networks.find(part => !isNetwork(part))
  if (wrong !== undefined) throw bad(`allow: ${wrong} is not an IP address or a network such as 10.0.0.0/8`)
  return networks
}

const PEER = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/

/** `IP`, `IP:PORT` or `[IPv6]:PORT`: where the sender is said to be. */
const readPeer = (query: URLSearchParams): SourceOptions['remote'] => {
  const text = query.get('peer')
  if (text === null) return { address: undefined, port: 0 }
  const match = isIP(text) === 6 ? [text, text] : PEER.exec(text)
  const [ip, port] = [match?.[1] ?? match?.[2] ?? '', Number(match?.[3] ?? 0)]
  if (isIP(ip) === 0 || port > 65_535) throw bad(`peer is IP, IP:PORT or [IPv6]:PORT, not ${text}`)
  return { address: ip, port }
}

export const readOptions = (query: URLSearchParams, config: RtpConfig): SourceOptions => ({
  allow: readAllow(query, config),
  latch: readLatch(query),
  remote: readPeer(query),
  timeoutMs: readSeconds(query) ?? config.timeoutMs,
  maxPayload: readNumber(query, 'payload', 200, 65_000),
})
