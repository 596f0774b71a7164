import { type IncomingMessage, request as plainRequest } from 'node:http'
import { type RequestOptions, request as secureRequest } from 'node:https'

/** Resolves with the answer's head; its body is still to be read. A connection of its own, which ends with `signal`. */
export const httpGet = (
  url: URL,
  options: RequestOptions & { signal: AbortSignal },
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? secureRequest : plainRequest
    const sent = request(url, { ...options, agent: false }, resolve)
    sent.on('error', reject)
    sent.end()
  })
