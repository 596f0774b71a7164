import { createHmac, randomBytes } from 'node:crypto'
import type { ResponseDraft } from '../message/format-message.ts'
import type { HeaderList } from '../message/header-list.ts'
import type { Via } from '../message/types.ts'
import type { Stack } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import { answerFlow } from './answer-flow.ts'

const secret = randomBytes(16)

/** The same To tag for every copy of one request, without remembering it (RFC 3261 8.2.7). */
const steadyTag = (headers: HeaderList): string =>
  createHmac('sha1', secret)
    .update(`${headers.get('call-id')} ${headers.get('from')} ${headers.get('cseq')}`)
    .digest('hex')
    .slice(0, 16)

/** Answers without making any state: whoever asks again is answered again. */
export const replyStateless = (
  stack: Stack,
  { headers, via }: { readonly headers: HeaderList; readonly via?: Via },
  flow: Flow,
  draft: ResponseDraft,
): void => {
  const back = via === undefined ? flow : answerFlow(stack, via, flow)
  back.send(stack.formatResponse(headers, { toTag: steadyTag(headers), ...draft }))
}
