/** Puts the operations of the API on the HTTP server: who asks, then what for, then the answer. */
import { z } from 'zod'
import type { AccessPolicy, Asker, Caller, Wish } from '../access/policy.ts'
import type { HttpExchange, HttpMount } from '../adapters/adapter.ts'
import { httpCredentials } from '../adapters/credentials.ts'
import { readJson, readQuery } from './read-json.ts'
import type { ApiRoute, Operation } from './route.ts'

const pattern = (text: string): string => text.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')

/** `{name}` may have slashes: it goes on until what follows it. */
export const honoPath = (path: string): string => {
  const [before, after] = path.split('{name}')
  const rest = (text: string): string => text.replace(/\{(\w+)\}/g, ':$1')
  if (before === undefined || after === undefined) return rest(path)
  return `${before}:name{${after === '' ? '.+' : `.+?(?=${pattern(after)}$)`}}${rest(after)}`
}

export const readApi: Wish = { action: 'api', scope: 'read' }

const wishesOf = ({ access }: Operation, stream: string | undefined): readonly [Wish, ...Wish[]] => {
  if (access === 'write') return [{ action: 'api', scope: 'write' }]
  if (access === 'read') return [readApi]
  return [stream === undefined ? { action: 'subscribe' } : { action: 'subscribe', stream }, readApi]
}

const admit = async (
  policy: AccessPolicy,
  operation: Operation,
  { request, remote, params }: HttpExchange,
): Promise<Caller | undefined> => {
  if (operation.access === 'open') return undefined
  const asker: Asker = { protocol: 'http', remote, ...httpCredentials(request) }
  return policy.admit(asker, ...wishesOf(operation, params.name))
}

const nothing = z.strictObject({})

/** A path that ends in a name would swallow the longer ones. */
const namesLast = (one: ApiRoute, other: ApiRoute): number =>
  Number(one.operation.path.endsWith('{name}')) - Number(other.operation.path.endsWith('{name}'))

export const mountRoutes = (http: HttpMount, routes: readonly ApiRoute[], policy: AccessPolicy): void => {
  for (const { operation, handle } of routes.toSorted(namesLast))
    http.route(operation.method, honoPath(operation.path), async exchange => {
      const caller = await admit(policy, operation, exchange)
      const query = readQuery(exchange.request, operation.query ?? nothing)
      const body = operation.body && (await readJson(exchange.request, operation.body))
      return handle({ ...exchange, takeOver: () => exchange.takeOver(), caller, query, body })
    })
}
