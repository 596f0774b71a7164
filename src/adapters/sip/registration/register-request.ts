/** How a REGISTER is written (RFC 3261 10.2). */
import { formatNameAddr } from '../message/name-addr.ts'
import { noParams } from '../message/params.ts'
import type { NameAddr, SipUri } from '../message/types.ts'
import type { RequestOptions } from '../request.ts'
import type { RegisteredAccount } from './types.ts'

/** Where it is registered: the domain, with the transport and port that the address of record names. */
const registrarOf = ({ uri }: RegisteredAccount): SipUri => {
  const { scheme, host, port, params } = uri
  return { scheme, user: '', host, ...(port !== undefined && { port }), params }
}

const addressOfRecord = ({ uri }: RegisteredAccount): NameAddr => {
  const { scheme, user, host, port } = uri
  return {
    display: '',
    uri: { scheme, user, host, ...(port !== undefined && { port }), params: noParams },
    params: noParams,
  }
}

/** Where requests of the account go first: its proxy, or the domain. */
export const hopOf = (account: RegisteredAccount): SipUri => account.proxy ?? registrarOf(account)

const binding = (contact: NameAddr, expiresS: number): string =>
  formatNameAddr({ ...contact, params: new Map([['expires', String(expiresS)]]) })

export interface Binding {
  readonly contact: NameAddr
  readonly expiresS: number
  /** A binding that is to go: our address was another one. */
  readonly former: NameAddr | undefined
}

export const registerRequest = (
  account: RegisteredAccount,
  { contact, expiresS, former }: Binding,
  dialog: { readonly callId: string; readonly tag: string; readonly cseq: number },
): RequestOptions => {
  const to = addressOfRecord(account)
  return {
    method: 'REGISTER',
    uri: registrarOf(account),
    ...(account.proxy !== undefined && { route: [account.proxy] }),
    from: { ...to, params: new Map([['tag', dialog.tag]]) },
    to,
    callId: dialog.callId,
    cseq: dialog.cseq,
    ...(account.credentials !== undefined && { credentials: account.credentials }),
    headers: {
      Contact: [binding(contact, expiresS), ...(former === undefined ? [] : [binding(former, 0)])],
      Expires: String(expiresS),
      // Proxies on the way back may write themselves down (RFC 3327).
      Supported: 'path',
    },
  }
}
