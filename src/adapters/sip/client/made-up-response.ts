import type { RequestDraft } from '../message/format-message.ts'
import { HeaderList } from '../message/header-list.ts'
import { parseNameAddr } from '../message/name-addr.ts'
import { noParams } from '../message/params.ts'
import { reasonPhrase } from '../message/reason-phrases.ts'
import type { NameAddr, SipResponse } from '../message/types.ts'

const nobody: NameAddr = {
  display: '',
  uri: { scheme: 'sip', user: '', host: 'invalid', params: noParams },
  params: noParams,
}

/** What a request that nobody answered is treated as: 408 for silence, 503 for a peer out of reach (RFC 3261 8.1.3.1). */
export const madeUpResponse = (
  { method, from, to, callId, cseq }: RequestDraft,
  code: number,
): SipResponse => ({
  code,
  reason: reasonPhrase(code),
  method,
  headers: new HeaderList(),
  from: parseNameAddr(from) ?? nobody,
  to: parseNameAddr(to) ?? nobody,
  callId,
  cseq,
})
