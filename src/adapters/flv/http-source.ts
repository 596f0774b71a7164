/** Another server's HTTP-FLV as a source. */
import type { IncomingMessage } from 'node:http'
import { closable, createScope } from '../../core/scope.ts'
import type { Closable, Publication, Scope } from '../../core/types.ts'
import { GatewayError, toGatewayError } from '../../errors.ts'
import { publishTags } from '../../flv-session/ingest.ts'
import { createFlvParser, type FlvParser } from '../../media/flv/parser.ts'
import type { AdapterContext } from '../adapter.ts'
import { pinnedLookup } from '../pinned-lookup.ts'
import type { FlvConfig } from './config.ts'
import { httpGet } from './http-get.ts'

/** For logs: credentials and query stay out. */
const labelOf = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`

/** Credentials in a URL become a header. */
const requestOf = (url: URL): readonly [URL, Record<string, string>] => {
  if (url.username === '' && url.password === '') return [url, {}]
  const plain = new URL(url)
  plain.username = ''
  plain.password = ''
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return [plain, { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }]
}

const REDIRECTS = [301, 302, 303, 307, 308]

const redirectTarget = (response: IncomingMessage, from: URL): URL => {
  const location = response.headers.location ?? ''
  if (location === '' || !URL.canParse(location, from)) {
    throw new GatewayError('refused', `${labelOf(from)} redirects to no address`)
  }
  const target = new URL(location, from)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new GatewayError('refused', `${labelOf(from)} redirects to a ${target.protocol} address`)
  }
  return target
}

/** Each hop is looked at: its address is checked anew, and credentials do not travel to another host. */
const request = async (
  url: URL,
  maxRedirects: number,
  signal: AbortSignal,
  context: AdapterContext,
): Promise<IncomingMessage> => {
  let at = url
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const [plain, headers] = requestOf(at)
    const pinned = await pinnedLookup(context, plain.hostname.replace(/^\[|\]$/g, ''))
    const response = await httpGet(plain, { headers, signal, ...pinned })
    if (!REDIRECTS.includes(response.statusCode!)) return response
    response.destroy()
    at = redirectTarget(response, plain)
  }
  throw new GatewayError('refused', `${labelOf(url)} redirects more than ${maxRedirects} times`)
}

const connect = async (
  url: URL,
  config: FlvConfig,
  scope: Scope,
  context: AdapterContext,
): Promise<IncomingMessage> => {
  const abort = new AbortController()
  scope.defer(() => abort.abort())
  const cancel = context.clock.after(config.connectTimeoutMs * 1000, () => {
    abort.abort(
      new GatewayError('timeout', `${labelOf(url)} gave no answer within ${config.connectTimeoutMs} ms`),
    )
  })
  try {
    const response = await request(url, config.maxRedirects, abort.signal, context)
    if (response.statusCode === 200) return response
    response.destroy()
    throw new GatewayError('refused', `${labelOf(url)} answered ${response.statusCode}`)
  } catch (error) {
    if (error instanceof GatewayError) throw error
    if (abort.signal.reason instanceof GatewayError) throw abort.signal.reason
    throw new GatewayError('connect-failed', `${labelOf(url)}: ${(error as Error).message}`, { cause: error })
  } finally {
    cancel()
  }
}

/** Reads to the end; every chunk sets the idle timer anew. */
const readAll = async (
  response: AsyncIterable<Uint8Array>,
  parser: FlvParser,
  onChunk: () => void,
): Promise<void> => {
  for await (const chunk of response) {
    onChunk()
    parser.push(chunk)
  }
  parser.end()
}

/**
 * Reads http(s)://….flv into `publication`. Resolves when the server has answered.
 * @throws GatewayError 'bad-url', 'connect-failed', 'refused' or 'timeout'
 */
export const pullHttp = async (
  context: AdapterContext,
  config: FlvConfig,
  url: URL,
  publication: Publication,
): Promise<Closable> => {
  if (!url.pathname.toLowerCase().endsWith('.flv')) {
    throw new GatewayError('bad-url', `${labelOf(url)} does not end in .flv`)
  }
  const { clock, log } = context
  const label = labelOf(url)
  const scope = createScope(label, { signal: publication.signal })
  const response = await connect(url, config, scope, context).catch(async (error: unknown) => {
    await scope.close({ code: 'failed', detail: toGatewayError(error).message })
    throw error
  })
  const ingest = publishTags({ publication, clock, log })
  scope.defer(() => ingest.end())
  const parser = createFlvParser({
    onTag: tag => void ingest.push(tag),
    onDamage: (cause, bytes) => log.warn({ from: label, cause, bytes }, `HTTP-FLV source: ${cause}`),
  })
  const idle = (): (() => void) =>
    clock.after(config.sourceIdleMs * 1000, () => {
      void scope.close({ code: 'timeout', detail: `${label} sent nothing for ${config.sourceIdleMs} ms` })
    })
  let cancelIdle = idle()
  scope.defer(() => cancelIdle())
  const onChunk = (): void => {
    cancelIdle()
    cancelIdle = idle()
  }
  readAll(response, parser, onChunk).then(
    () => scope.close({ code: 'source-ended', detail: `${label} has ended` }),
    (thrown: unknown) => {
      const error = toGatewayError(thrown, 'closed')
      return scope.close({ code: 'failed', detail: `${label}: ${error.message}`, error })
    },
  )
  return closable(scope)
}
