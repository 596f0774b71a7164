/** Where the application ends and the stream key begins: the two sides of the same old ambiguity. */
import { GatewayError } from '../../errors.ts'
import { type Credentials, queryCredentials } from '../credentials.ts'

/** What a client of ours asked for, over all places in which clients put it. */
export interface PlayPath extends Credentials {
  /** Application and key joined by a slash, without query: not yet checked against the grammar of names. */
  readonly stream: string
}

const cut = (text: string, at: number): [string, string] =>
  at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
const splitQuery = (text: string): [string, string] => cut(text, text.indexOf('?'))
const trimSlashes = (text: string): string => text.replace(/^\/+|\/+$/g, '')

/** The path of a tcUrl, for clients that send no app. A bad URL says nothing. */
const pathOf = (tcUrl: string | undefined): string => {
  const path = /^[a-z]+:\/\/[^/?]*\/(.*)$/i.exec(tcUrl ?? '')
  return path?.[1] ?? ''
}

/**
 * Joins what `connect` and `publish` or `play` named. Clients cut a path with several slashes where they like, so
 * only the whole counts; credentials may stand in the query of either half.
 */
export const joinPath = (app: string | undefined, tcUrl: string | undefined, key: string): PlayPath => {
  const [appPath, appQuery] = splitQuery(app === undefined || app === '' ? pathOf(tcUrl) : app)
  const [keyPath, keyQuery] = splitQuery(key)
  const stream = [trimSlashes(appPath), trimSlashes(keyPath)].filter(part => part !== '').join('/')
  return { stream, ...queryCredentials(new URLSearchParams(`${appQuery}&${keyQuery}`)) }
}

/** Where our own client goes. */
export interface RtmpAddress {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  readonly app: string
  /** The stream key with its query, as written in the URL. Secret: never logged. */
  readonly key: string
  /** For the `connect` command: without the key. */
  readonly tcUrl: string
  /** For people and logs: without key and query. */
  readonly label: string
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'rtmp:': 1935, 'rtmps:': 443 }

/**
 * The first part of the path is the application, the rest is the key: right for YouTube (`/live2/KEY`), Facebook
 * (`/rtmp/KEY?…`), Twitch (`/app/KEY`) and nginx-rtmp. A query in front of the key (YouTube's backup server,
 * `/live2?backup=1/KEY`) belongs to the application.
 * @throws GatewayError 'bad-url' with the reason, without the key
 */
export const parseRtmpUrl = (url: URL): RtmpAddress => {
  const defaultPort = DEFAULT_PORTS[url.protocol]
  if (defaultPort === undefined) throw new GatewayError('bad-url', `${url.protocol} is not rtmp: or rtmps:`)
  if (url.hostname === '') throw new GatewayError('bad-url', 'an RTMP URL needs a host')
  if (url.username !== '' || url.password !== '') {
    throw new GatewayError(
      'bad-url',
      'user:password@ is not used by RTMP; put credentials in the query of the key',
    )
  }
  const port = url.port === '' ? defaultPort : Number(url.port)
  const [app, key] = splitPath(url.pathname.replace(/^\/+/, ''), url.search + url.hash)
  if (app === '' || key === '') {
    throw new GatewayError(
      'bad-url',
      `an RTMP URL has an application and a key: ${url.protocol}//host/app/key`,
    )
  }
  const base = `${url.protocol}//${url.hostname}${url.port === '' ? '' : `:${url.port}`}`
  return {
    secure: url.protocol === 'rtmps:',
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    app,
    key,
    tcUrl: `${base}/${app}`,
    label: `${base}/${splitQuery(app)[0]}`,
  }
}

const splitPath = (path: string, tail: string): [app: string, key: string] => {
  const [app, key] = cut(path, path.indexOf('/'))
  if (key !== '' || !tail.includes('/')) return [app, key === '' ? '' : key + tail]
  const [query, rest] = cut(tail, tail.indexOf('/'))
  return [app + query, rest]
}
