/** What a trusted carrier says of a call besides From, which anybody may write (RFC 3325, RFC 5806). */
import type { SipConfig } from './config.ts'
import { parseNameAddr } from './message/name-addr.ts'
import type { SipRequest } from './message/types.ts'
import { formatUri } from './message/uri.ts'

export interface Asserted {
  /** Who calls. */
  readonly asserted?: string
  /** Who was called before and has passed the call on, the last one first. */
  readonly diverted?: readonly string[]
}

/** As many diversions as any network lets a call have. */
const most = 10

const urisIn = ({ headers }: SipRequest, name: string): readonly string[] =>
  headers
    .list(name)
    .slice(0, most)
    .flatMap(value => parseNameAddr(value)?.uri ?? [])
    .map(formatUri)

/** Nothing, unless the registration or trunk that it came by is believed. */
export const assertedIn = (
  { accounts, trunks }: Pick<SipConfig, 'accounts' | 'trunks'>,
  request: SipRequest,
  account: string | undefined,
): Asserted => {
  const through = account === undefined ? undefined : (accounts[account] ?? trunks[account])
  if (through?.trustIdentity !== true) return {}
  const [asserted] = urisIn(request, 'p-asserted-identity')
  const diverted = urisIn(request, 'diversion')
  return { ...(asserted !== undefined && { asserted }), ...(diverted.length > 0 && { diverted }) }
}
