import { ClientRequest } from '../client/client-request.ts'
import type { Sign } from '../client/sign.ts'
import type { RequestDraft } from '../message/format-message.ts'
import type { SipResponse } from '../message/types.ts'
import type { Stack } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import type { Dialog } from './dialog.ts'

/** Sends a request by the route of its dialog. `listen` gets every response, retransmitted 2xx of an INVITE included. */
export const sendInDialog = (
  stack: Stack,
  dialog: Dialog,
  draft: RequestDraft,
  sign: Sign | undefined,
  listen: (response: SipResponse, flow: Flow | undefined, detail: string | undefined) => void,
): ClientRequest => {
  const { uri, flow, door } = dialog.hop()
  const request = new ClientRequest(
    stack,
    { draft, hop: uri, flow, door, sign },
    {
      response: (response, from, detail) => {
        dialog.skipTo(request.draft.cseq)
        listen(response, from, detail)
      },
    },
  )
  return request
}
