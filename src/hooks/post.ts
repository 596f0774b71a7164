/** One signed request to somebody's server, with an end to it whatever that server does. */
import type { Secret } from '../adapters/secret.ts'
import { ID_HEADER, SIGNATURE_HEADER, sign, TIMESTAMP_HEADER } from './signature.ts'

export interface Posted {
  readonly url: string
  readonly secret: Secret
  readonly timeoutMs: number
  readonly id: string
  readonly body: string
}
export type PostResult =
  | { readonly status: number; readonly text: string }
  /** There was no answer; why, in words. */
  | { readonly status: undefined; readonly failure: string }
export type Post = (posted: Posted) => Promise<PostResult>

/** An answer is a status and perhaps a sentence. */
const maxAnswerBytes = 4096

const readText = async (response: Response): Promise<string> => {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    // Leaving the loop cancels the rest.
    if (size > maxAnswerBytes) return ''
    parts.push(chunk)
  }
  return Buffer.concat(parts).toString()
}

const describe = (error: unknown, timeoutMs: number): string => {
  const { name, message, cause } = error as Error
  if (name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  return cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : message
}

/** Redirects are answers, not followed: they would lead the signed body somewhere else. The time is for all of it. */
export const post: Post = async ({ url, secret, timeoutMs, id, body }) => {
  const timestamp = Math.floor(Date.now() / 1000)
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'crosspoint',
        [ID_HEADER]: id,
        [TIMESTAMP_HEADER]: String(timestamp),
        [SIGNATURE_HEADER]: sign(secret, timestamp, body),
      },
      body,
    })
    return { status: response.status, text: await readText(response) }
  } catch (error) {
    return { status: undefined, failure: describe(error, timeoutMs) }
  }
}
