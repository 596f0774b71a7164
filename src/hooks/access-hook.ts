/** Asks somebody's server whether a peer may publish, play or call. No clear yes is a no. */
import { randomUUID } from 'node:crypto'
import type { Access, CallAccess, Logger } from '../adapters/adapter.ts'
import { GatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { AccessHookConfig } from './config.ts'
import type { Post, PostResult } from './post.ts'

/** Whoever knocks more often than that waits for others' answers: he is refused, and may come again. */
const maxInFlight = 64
const retryAfterS = 1

type Question = Access | CallAccess

const doing = (question: Question): string => {
  if (question.action === 'call') return `the call from ${question.from} to ${question.to}`
  return `${question.action === 'publish' ? 'publishing' : 'playing'} ${question.stream}`
}

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
const judge = (question: Question, result: PostResult): GatewayError | undefined => {
  if (result.status === undefined)
    return new GatewayError('forbidden', `${doing(question)}: the access hook failed: ${result.failure}`, {
      retryAfterS,
    })
  const { status, text } = result
  if (status >= 200 && status < 300) return undefined
  const said = `${doing(question)}: the access hook answered ${status}${reasonIn(text)}`
  if (status === 404 && question.action === 'call') return new GatewayError('not-found', said)
  if (status === 401) return new GatewayError('unauthorized', said)
  return new GatewayError('forbidden', said, status === 403 ? {} : { retryAfterS })
}

/** Is in the way of publishers, viewers and callers, never of the API. `configNow`: undefined while nobody is asked. */
export const createAccessHook = (
  configNow: () => AccessHookConfig | undefined,
  post: Post,
  log: Logger,
): ((question: Question) => Promise<void>) => {
  // Callers have their own: over UDP anybody may ask for any number of calls.
  const inFlight = { calls: 0, streams: 0 }
  return async question => {
    const config = configNow()
    if (config === undefined || question.action === 'api') return
    const kind = question.action === 'call' ? 'calls' : 'streams'
    if (inFlight[kind] >= maxInFlight)
      throw new GatewayError(
        'forbidden',
        `${doing(question)}: ${inFlight[kind]} questions to the access hook are unanswered`,
        { retryAfterS },
      )
    inFlight[kind]++
    try {
      const result = await post({ ...config, id: randomUUID(), body: JSON.stringify(question) })
      const refusal = judge(question, result)
      if (refusal === undefined) return
      const isTrouble = refusal.retryAfterS !== undefined
      const about = 'stream' in question ? { stream: question.stream } : { route: question.route }
      if (isTrouble) log.warn({ ...about, hook: maskUrls(config.url) }, refusal.message)
      throw refusal
    } finally {
      inFlight[kind]--
    }
  }
}
