import { networkMatcher } from '../../../net/networks.ts'
import { isPrivateAddress } from '../../../net/private-addresses.ts'
import type { AddressDoubt } from './types.ts'

const isMulticast = networkMatcher(['224.0.0.0/4', 'ff00::/8'])

/** Can media come from and go to the described address, given where the signalling comes from? */
export const addressDoubt = (
  address: string | undefined,
  signalling: string | undefined,
): AddressDoubt | undefined => {
  if (address === undefined) return 'host-name'
  if (address === '0.0.0.0' || address === '::') return 'unspecified'
  if (isMulticast(address)) return 'multicast'
  if (signalling === undefined || address === signalling) return undefined
  if (isPrivateAddress(address)) return 'private'
  return isPrivateAddress(signalling) ? undefined : 'elsewhere'
}
