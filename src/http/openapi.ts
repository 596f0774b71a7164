/** The OpenAPI 3.1 document, made of the schemas that check what comes in. */
import { z } from 'zod'
import { type ApiRoute, jsonRoute, type Operation } from './route.ts'
import { namedSchemas } from './schemas/named.ts'
import { problemSchema } from './schemas/problem.ts'

type Json = Record<string, unknown>
const prefix = '#/components/schemas/'

const plain = ({ $schema: _schema, $id: _id, ...schema }: Json): Json => schema

/** `input`: unknown keys of an answer are nobody's fault, so that keys may be added. */
const components = (): Json => {
  const { schemas } = z.toJSONSchema(namedSchemas, { io: 'input', uri: id => prefix + id })
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema as Json)]))
}

const reference = (schema: z.ZodType): Json => {
  const id = namedSchemas.get(schema)?.id
  return id === undefined ? plain(z.toJSONSchema(schema, { io: 'input' }) as Json) : { $ref: prefix + id }
}

const parameters = ({ path, query }: Operation): readonly Json[] => [
  ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    ...(name === 'name' ? { description: 'Percent-encoded; its slashes may stand as they are' } : {}),
  })),
  ...Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !(schema as z.ZodType).safeParse(undefined).success,
    schema: reference(schema as z.ZodType),
  })),
]

const json = (schema: z.ZodType): Json => ({ 'application/json': { schema: reference(schema) } })

const answer = ({ answer: schema, media, summary }: Operation): Json => ({
  description: summary,
  ...(schema === undefined ? {} : { content: json(schema) }),
  ...(media === undefined ? {} : { content: { [media]: {} } }),
})

const statusOf = ({ status, answer: schema, media }: Operation): number =>
  status ?? (schema === undefined && media === undefined ? 204 : 200)

const describe = (operation: Operation): Json => ({
  operationId: operation.id,
  summary: operation.summary,
  parameters: parameters(operation),
  ...(operation.body === undefined ? {} : { requestBody: { content: json(operation.body) } }),
  ...(operation.access === 'open' ? { security: [] } : {}),
  responses: {
    [statusOf(operation)]: answer(operation),
    default: {
      description: 'A refusal or a failure',
      content: { 'application/problem+json': { schema: reference(problemSchema) } },
    },
  },
})

/** @param version of the package */
export const createOpenApi = (routes: readonly ApiRoute[], version: string): Json => {
  const paths: Record<string, Json> = {}
  for (const { operation } of routes) {
    const path = paths[operation.path] ?? {}
    path[operation.method.toLowerCase()] = describe(operation)
    paths[operation.path] = path
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Crosspoint', version, license: { name: 'MIT', identifier: 'MIT' } },
    security: [{ bearer: [] }, { basic: [] }, {}],
    paths,
    components: {
      schemas: components(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic' },
      },
    },
  }
}

/** Made when it is first asked for. `routes` may hold this very route. */
export const openApiRoute = (routes: () => readonly ApiRoute[], version: string): ApiRoute => {
  let document: Json | undefined
  return jsonRoute({
    id: 'getOpenApi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document',
    access: 'open',
    answer: z.record(z.string(), z.unknown()),
    run() {
      document ??= createOpenApi(routes(), version)
      return document
    },
  })
}
