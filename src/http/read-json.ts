/** Bodies and queries, checked by their schemas; what is wrong or unknown is named. */
import type { z } from 'zod'
import { problemsOf } from '../config/problems.ts'
import { GatewayError } from '../errors.ts'

const check = <T>(schema: z.ZodType<T>, value: unknown, root: readonly string[]): T => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new GatewayError('bad-request', problemsOf(schema, parsed.error.issues, root).join('; '))
}

/** No body stands for `{}`. @throws GatewayError `bad-request` */
export const readJson = async <T>(request: Request, schema: z.ZodType<T>): Promise<T> => {
  const text = await request.text()
  if (text === '') return check(schema, {}, [])
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
    throw new GatewayError('bad-request', 'the body must be application/json')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new GatewayError('bad-request', 'the body is not JSON')
  }
  return check(schema, value, [])
}

/** Credentials may stand in any query. */
const reserved = new Set(['token', 'key', 'user', 'pass'])

/** @throws GatewayError `bad-request` */
export const readQuery = <T>(request: Request, schema: z.ZodType<T>): T => {
  const pairs = [...new URL(request.url).searchParams].filter(([name]) => !reserved.has(name))
  return check(schema, Object.fromEntries(pairs), ['query'])
}
