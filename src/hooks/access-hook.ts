/** Asks somebody's server whether a peer may publish or play. No clear yes is a no. */
import { randomUUID } from 'node:crypto'
import type { Access, Logger } from '../adapters/adapter.ts'
import { GatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { Authorize } from './authorize.ts'
import type { AccessHookConfig } from './config.ts'
import type { Post, PostResult } from './post.ts'

/** Whoever knocks more often than that waits for others' answers: he is refused, and may come again. */
const maxInFlight = 64
const retryAfterS = 1

const doing = ({ action, stream }: Access): string =>
  `${action === 'publish' ? 'publishing' : 'playing'} ${stream}`

/** What the answer's JSON says as `reason`, if anything. */
const reasonIn = (text: string): string => {
  try {
    const { reason } = JSON.parse(text) as { reason?: unknown }
    return typeof reason === 'string' ? `: ${reason.slice(0, 200)}` : ''
  } catch {
    return ''
  }
}

/** The refusal that an answer means; undefined: it is a yes. */
const judge = (access: Access, result: PostResult): GatewayError | undefined => {
  if (result.status === undefined)
    return new GatewayError('forbidden', `${doing(access)}: the access hook failed: ${result.failure}`, {
      retryAfterS,
    })
  const { status, text } = result
  if (status >= 200 && status < 300) return undefined
  const said = `${doing(access)}: the access hook answered ${status}${reasonIn(text)}`
  if (status === 401) return new GatewayError('unauthorized', said)
  return new GatewayError('forbidden', said, status === 403 ? {} : { retryAfterS })
}

/** Is in the way of publishers and viewers, never of the API. `configNow`: undefined while nobody is asked. */
export const createAccessHook = (
  configNow: () => AccessHookConfig | undefined,
  post: Post,
  log: Logger,
): Authorize => {
  let inFlight = 0
  return async access => {
    const config = configNow()
    if (config === undefined || access.action === 'api') return
    if (inFlight >= maxInFlight)
      throw new GatewayError(
        'forbidden',
        `${doing(access)}: ${inFlight} questions to the access hook are unanswered`,
        { retryAfterS },
      )
    inFlight++
    try {
      const result = await post({ ...config, id: randomUUID(), body: JSON.stringify(access) })
      const refusal = judge(access, result)
      if (refusal === undefined) return
      const isTrouble = refusal.retryAfterS !== undefined
      if (isTrouble) log.warn({ stream: access.stream, hook: maskUrls(config.url) }, refusal.message)
      throw refusal
    } finally {
      inFlight--
    }
  }
}
