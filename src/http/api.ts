/** The control API. It can name streams, URLs of known schemes and files under the recordings directory: nothing else. */
import { z } from 'zod'
import type { AccessPolicy, Asker, Wish } from '../access/policy.ts'
import type { Adapter, HttpExchange, HttpMount, Listener } from '../adapters/adapter.ts'
import { httpCredentials } from '../adapters/credentials.ts'
import type { Bridges } from '../bridges/bridges.ts'
import type { ResolveFile } from '../bridges/endpoint.ts'
import { problemsOf } from '../config/problems.ts'
import { parseStreamName } from '../core/stream-name.ts'
import type { Registry } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import { adapterView, bridgeView, streamView } from './views.ts'

export interface ApiParts {
  readonly registry: Registry
  readonly bridges: Bridges
  readonly access: AccessPolicy
  readonly adapters: readonly Adapter<unknown>[]
  readonly doors: ReadonlyMap<string, Listener>
  readonly resolveFile: ResolveFile
}

const endpointText = z.string().min(1).max(2048)
const bridgeRequest = z.strictObject({ from: endpointText, to: z.array(endpointText).min(1) })

const json = (body: unknown, init: ResponseInit = {}): Response =>
  Response.json(body, { ...init, headers: { 'cache-control': 'no-store', ...init.headers } })

const readJson = async <T>(request: Request, schema: z.ZodType<T>): Promise<T> => {
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new GatewayError('bad-request', 'the body must be application/json')
  const value: unknown = await request.json().catch(() => {
    throw new GatewayError('bad-request', 'the body is not JSON')
  })
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new GatewayError('bad-request', problemsOf(schema, parsed.error.issues, []).join('; '))
}

const askerOf = ({ request, remote }: HttpExchange): Asker => ({
  protocol: 'http',
  remote,
  ...httpCredentials(request),
})
const read: Wish = { action: 'api', scope: 'read' }

const mountStreams = (http: HttpMount, { registry, access, adapters, doors }: ApiParts): void => {
  /** Viewers see what they may play, and less of it. */
  http.route('GET', '/v1/streams', async exchange => {
    const caller = await access.admit(askerOf(exchange), { action: 'subscribe' }, read)
    const inside = caller.allows(read)
    const visible = registry
      .list()
      .filter(({ name }) => inside || caller.allows({ action: 'subscribe', stream: name }))
    return json({ streams: visible.map(stream => streamView(stream, inside)) })
  })
  http.route('GET', '/v1/streams/:name{.+}', async exchange => {
    const name = parseStreamName(exchange.params.name ?? '')
    const caller = await access.admit(askerOf(exchange), { action: 'subscribe', stream: name }, read)
    const stream = registry.find(name)
    if (stream === undefined) throw new GatewayError('stream-offline', name)
    return json(streamView(stream, caller.allows(read)))
  })
  http.route('GET', '/v1/adapters', async exchange => {
    await access.admit(askerOf(exchange), { action: 'subscribe' }, read)
    return json({ adapters: adapters.map(adapter => adapterView(adapter, doors.get(adapter.name))) })
  })
}

const mountBridges = (http: HttpMount, { bridges, access, resolveFile }: ApiParts): void => {
  const route = (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    handle: (exchange: HttpExchange, id: string) => Promise<Response>,
  ): void =>
    http.route(method, path, async exchange => {
      await access.admit(askerOf(exchange), { action: 'api', scope: method === 'GET' ? 'read' : 'write' })
      return handle(exchange, exchange.params.id ?? '')
    })
  const missing = (): GatewayError => new GatewayError('not-found', 'no bridge has this id')

  route('GET', '/v1/bridges', async () => json({ bridges: bridges.list().map(bridgeView) }))
  route('POST', '/v1/bridges', async ({ request }) => {
    const { from, to } = await readJson(request, bridgeRequest)
    const bridge = await bridges.open({ from, to, resolveFile })
    return json(bridgeView(bridge.info()), { status: 201, headers: { location: `/v1/bridges/${bridge.id}` } })
  })
  route('GET', '/v1/bridges/:id', async (_exchange, id) => {
    const bridge = bridges.find(id)
    if (bridge === undefined) throw missing()
    return json(bridgeView(bridge))
  })
  route('DELETE', '/v1/bridges/:id', async (_exchange, id) => {
    if (!(await bridges.close(id))) throw missing()
    return new Response(null, { status: 204 })
  })
}

export const mountApi = (http: HttpMount, parts: ApiParts): void => {
  http.route('GET', '/healthz', async () => json({ status: 'ok' }))
  mountStreams(http, parts)
  mountBridges(http, parts)
}
