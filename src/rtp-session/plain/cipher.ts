/** SRTP with keys from the SDP (RFC 4568). */
import { GatewayError } from '../../errors.ts'
import type { Native, SrtpContext } from '../../native/types.ts'
import type { SdesKeys } from './types.ts'

const KEY_BYTES = 16
/** Master key and master salt of AES_CM_128 (RFC 4568 6.2). */
export const SDES_BYTES = 30

/** @throws GatewayError 'bad-request' for keys of a wrong length */
export const createCipher = (native: Pick<Native, 'createSrtp'>, keys: SdesKeys): SrtpContext => {
  const { suite, local, remote } = keys
  if (local.length !== SDES_BYTES || remote.length !== SDES_BYTES)
    throw new GatewayError('bad-request', `an SRTP key of ${suite} has ${SDES_BYTES} bytes`)
  return native.createSrtp({
    profile: suite,
    localKey: local.subarray(0, KEY_BYTES),
    localSalt: local.subarray(KEY_BYTES),
    remoteKey: remote.subarray(0, KEY_BYTES),
    remoteSalt: remote.subarray(KEY_BYTES),
  })
}
