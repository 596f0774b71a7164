/** What stands on either end of a bridge: a stream of this gateway, or a URL that an adapter dials. */
import { pathToFileURL } from 'node:url'
import type { Adapter, AdapterContext, ResolveHost } from '../adapters/adapter.ts'
import { parseStreamName } from '../core/stream-name.ts'
import { GatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { RestreamConfig } from '../restream/config.ts'
import { parseDestination } from '../restream/destination.ts'
import type { DestinationProfile } from '../restream/profiles.ts'

/** An adapter with everything it needs to dial. */
export interface Dialer {
  readonly adapter: Adapter<unknown>
  readonly context: AdapterContext
  readonly config: unknown
}

export interface StreamEndpoint {
  readonly kind: 'stream'
  /** For people and logs: no keys. */
  readonly label: string
  readonly name: string
}
export interface UrlEndpoint {
  readonly kind: 'url'
  readonly label: string
  readonly url: URL
  /** Taken by turns with `url` while that cannot be reached. */
  readonly backup?: URL | undefined
  readonly dialer: Dialer
  /** What the service behind the URL wants of the media. */
  readonly profile?: DestinationProfile | undefined
  /** A file or a call: it is opened once, neither retried nor gone on with. */
  readonly once: boolean
}
export type Endpoint = StreamEndpoint | UrlEndpoint

/** Turns a file name as the user wrote it into an absolute path, or throws when that file may not be touched. */
export type ResolveFile = (name: string) => string

/** What the ends of a bridge may touch. */
export interface Reach {
  readonly resolveFile: ResolveFile
  /** Left out: every host may be dialled. */
  readonly resolveHost?: ResolveHost | undefined
  /** What `env:NAME` or `file:PATH` in place of a stream key stands for. Left out: for itself. */
  readonly resolveSecret?: ((text: string) => string) | undefined
}

const parseUrl = (text: string): URL => {
  if (!URL.canParse(text)) throw new GatewayError('bad-url', `${maskUrls(text)} cannot be parsed`)
  return new URL(text)
}

/** What follows a `?` behind the extension are options of the source: `clip.flv?loop=true`. */
const fileUrl = (text: string, resolveFile: ResolveFile): URL => {
  const [, name = text, options = ''] = /^([^?]*\.\w+)(\?.*)$/.exec(text) ?? []
  const url = pathToFileURL(resolveFile(name))
  url.search = options
  // A session description is read where it lies; what it describes is live, and comes back when it is lost.
  return /\.sdp$/i.test(name) ? new URL(url.href.replace(/^file:/, 'sdp:')) : url
}

/** A session description inside of a URL is no name, and has keys in it. */
const labelOf = (text: string): string => (/^data:/i.test(text) ? 'session description' : maskUrls(text))

/** Some schemes have no slashes: `sip:1000@host`. */
const isUrl = (text: string, dialers: readonly Dialer[]): boolean => {
  const [, scheme = '', slashes] = /^([a-z][a-z0-9+.-]*):(\/\/)?/i.exec(text) ?? []
  return (
    slashes !== undefined || dialers.some(({ adapter }) => adapter.schemes.includes(scheme.toLowerCase()))
  )
}

export interface EndpointParts extends Reach {
  readonly dialers: readonly Dialer[]
  readonly restream: RestreamConfig
}
type Role = 'pull' | 'push'

const dialerFor = (url: URL, role: Role, dialers: readonly Dialer[]): Dialer => {
  const scheme = url.protocol.slice(0, -1)
  const able = dialers.filter(({ adapter }) => adapter[role] !== undefined)
  const dialer = able.find(({ adapter }) => adapter.schemes.includes(scheme))
  if (dialer !== undefined) return dialer
  const known = [...new Set(able.flatMap(({ adapter }) => adapter.schemes))].map(name => `${name}:`)
  const verb = role === 'pull' ? 'read from' : 'write to'
  throw new GatewayError(
    'bad-url',
    `nothing here can ${verb} ${scheme}: URLs, only ${known.join(' ')} stream:`,
  )
}

/** Files that the options of a URL name lie where those do that are ends themselves. */
const withFiles = (url: URL, { adapter }: Dialer, resolveFile: ResolveFile): URL => {
  const named = (adapter.fileOptions ?? []).filter(option => url.searchParams.has(option))
  if (named.length === 0) return url
  const resolved = new URL(url)
  for (const option of named) resolved.searchParams.set(option, resolveFile(url.searchParams.get(option)!))
  return resolved
}

/** Whatever it dials, now and when it connects again, is checked. */
const withReach = (dialer: Dialer, { resolveHost }: Reach): Dialer =>
  resolveHost === undefined ? dialer : { ...dialer, context: { ...dialer.context, resolveHost } }

/**
 * Reads `stream:NAME`, a URL, a file name, or, as a destination, `youtube:KEY` and its like.
 * @throws GatewayError `bad-name`, `bad-url`, or what `resolveFile` throws.
 */
export const parseEndpoint = (text: string, role: Role, parts: EndpointParts): Endpoint => {
  if (text.startsWith('stream:')) {
    const name = parseStreamName(text.slice('stream:'.length))
    return { kind: 'stream', label: text, name }
  }
  const [, bare] = /^(file|sdp):/i.exec(text) ?? []
  if (bare !== undefined) throw new GatewayError('bad-url', `a file is given by its name, without "${bare}:"`)
  const { restream, resolveSecret } = parts
  const destination = role === 'push' ? parseDestination(text, restream, resolveSecret) : undefined
  const hasScheme = isUrl(text, parts.dialers)
  const given = destination?.url ?? (hasScheme ? parseUrl(text) : fileUrl(text, parts.resolveFile))
  const found = dialerFor(given, role, parts.dialers)
  const url = withFiles(given, found, parts.resolveFile)
  // Where a service is stands in the configuration, whoever asks for it.
  const dialer = destination?.isService === true ? found : withReach(found, parts)
  const label = destination?.label ?? (hasScheme ? labelOf(text) : text)
  const once = url.protocol === 'file:' || dialer.adapter.once === true
  return { kind: 'url', label, once, dialer, ...destination, url }
}

/** The URL for a try: `tries` connections before it did not last. */
export const pushUrl = ({ url, backup }: UrlEndpoint, tries: number): URL =>
  backup !== undefined && tries % 2 === 1 ? backup : url
