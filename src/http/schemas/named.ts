/** The schemas of the API by the names they have in the OpenAPI document. */
import { z } from 'zod'

export const namedSchemas = z.registry<{ id: string }>()

/** Registers a schema; each name is given once. */
export const named = <S extends z.ZodType>(id: string, schema: S): S => {
  namedSchemas.add(schema, { id })
  return schema
}

/** Events and counters since the process began: whole numbers. */
export const count = z.int().min(0)
/** RFC 3339, UTC. */
export const time = z.iso.datetime()
