/** What stands on either end of a bridge: a stream of this gateway, or a URL that an adapter dials. */
import { pathToFileURL } from 'node:url'
import type { Adapter, AdapterContext } from '../adapters/adapter.ts'
import { parseStreamName } from '../core/stream-name.ts'
import { GatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'

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
  readonly dialer: Dialer
}
export type Endpoint = StreamEndpoint | UrlEndpoint

/** Turns a file name as the user wrote it into an absolute path, or throws when that file may not be touched. */
export type ResolveFile = (name: string) => string

const parseUrl = (text: string): URL => {
  if (!URL.canParse(text)) throw new GatewayError('bad-url', `${maskUrls(text)} cannot be parsed`)
  return new URL(text)
}

/** What follows a `?` behind the extension are options of the source: `clip.flv?loop=true`. */
const fileUrl = (text: string, resolveFile: ResolveFile): URL => {
  const [, name = text, options = ''] = /^([^?]*\.\w+)(\?.*)$/.exec(text) ?? []
  const url = pathToFileURL(resolveFile(name))
  url.search = options
  return url
}

const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text)

/**
 * Reads `stream:NAME`, a URL, or a file name.
 * @throws GatewayError `bad-name`, `bad-url`, or what `resolveFile` throws.
 */
export const parseEndpoint = (
  text: string,
  role: 'pull' | 'push',
  dialers: readonly Dialer[],
  resolveFile: ResolveFile,
): Endpoint => {
  if (text.startsWith('stream:')) {
    const name = parseStreamName(text.slice('stream:'.length))
    return { kind: 'stream', label: text, name }
  }
  if (/^file:/i.test(text)) throw new GatewayError('bad-url', 'a file is given by its name, without "file:"')
  const url = isUrl(text) ? parseUrl(text) : fileUrl(text, resolveFile)
  const scheme = url.protocol.slice(0, -1)
  const able = dialers.filter(({ adapter }) => adapter[role] !== undefined)
  const dialer = able.find(({ adapter }) => adapter.schemes.includes(scheme))
  if (dialer === undefined) {
    const known = [...new Set(able.flatMap(({ adapter }) => adapter.schemes))].map(name => `${name}:`)
    const verb = role === 'pull' ? 'read from' : 'write to'
    throw new GatewayError(
      'bad-url',
      `nothing here can ${verb} ${scheme}: URLs, only ${known.join(' ')} stream:`,
    )
  }
  return { kind: 'url', label: isUrl(text) ? maskUrls(text) : text, url, dialer }
}
