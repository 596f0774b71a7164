/** One operation of the API as data: who may, what it takes, what it answers, and the function between. */
import type { z } from 'zod'
import type { Caller } from '../access/policy.ts'
import type { HttpExchange } from '../adapters/adapter.ts'

export interface Operation {
  /** Its name in the OpenAPI document. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** `/v1/streams/{name}`; a name may have slashes. */
  readonly path: string
  readonly summary: string
  /** 'open': everybody; 'play': who may play (that stream, or any); the others: who may look into or use the API. */
  readonly access: 'open' | 'play' | 'read' | 'write'
  readonly query?: z.ZodObject | undefined
  readonly body?: z.ZodType | undefined
  /** Absent: no content. */
  readonly answer?: z.ZodType | undefined
  /** Of an answer that is no JSON. */
  readonly media?: string
  readonly status?: 200 | 201 | 202
}

export interface Call<Query = unknown, Body = unknown> extends HttpExchange {
  readonly query: Query
  readonly body: Body
  /** undefined where everybody may. */
  readonly caller: Caller | undefined
}

export interface ApiRoute {
  readonly operation: Operation
  readonly handle: (call: Call) => Promise<Response | undefined>
}

type Base = Omit<Operation, 'query' | 'body' | 'answer' | 'media'>
interface Input<Query extends z.ZodObject, Body extends z.ZodType> extends Base {
  readonly query?: Query
  readonly body?: Body
}
type CallOf<Query extends z.ZodObject, Body extends z.ZodType> = Call<z.output<Query>, z.output<Body>>

/** Answers JSON that the schema describes. */
export const jsonRoute = <Query extends z.ZodObject, Body extends z.ZodType, Answer extends z.ZodType>(
  spec: Input<Query, Body> & {
    readonly answer: Answer
    readonly location?: (answer: z.input<Answer>) => string
    run(call: CallOf<Query, Body>): Promise<z.input<Answer>> | z.input<Answer>
  },
): ApiRoute => {
  const { run, location, ...operation } = spec
  return {
    operation,
    async handle(call) {
      const answer = await run(call as CallOf<Query, Body>)
      const headers = {
        'cache-control': 'no-store',
        ...(location === undefined ? {} : { location: location(answer) }),
      }
      return Response.json(answer, { status: operation.status ?? 200, headers })
    },
  }
}

/** Answers 204. */
export const emptyRoute = <Query extends z.ZodObject, Body extends z.ZodType>(
  spec: Input<Query, Body> & { run(call: CallOf<Query, Body>): Promise<void> | void },
): ApiRoute => {
  const { run, ...operation } = spec
  return {
    operation,
    async handle(call) {
      await run(call as CallOf<Query, Body>)
      return new Response(null, { status: 204 })
    },
  }
}

/** Answers something else than JSON, or takes the response over. */
export const mediaRoute = <Query extends z.ZodObject, Body extends z.ZodType>(
  spec: Input<Query, Body> & {
    readonly media: string
    run(call: CallOf<Query, Body>): Promise<Response | undefined>
  },
): ApiRoute => {
  const { run, ...operation } = spec
  return { operation, handle: call => run(call as CallOf<Query, Body>) }
}
