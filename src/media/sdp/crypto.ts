/** Keys in the session description (RFC 4568): the `a=crypto` attribute. */

/** Suites whose master key and salt are 30 bytes (RFC 4568 6.2). */
export const CRYPTO_SUITES = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const
export type CryptoSuite = (typeof CRYPTO_SUITES)[number]

export const KEY_SALT_BYTES = 30

/** One `a=crypto` line that can be used as it stands. */
export interface SdpCrypto {
  readonly tag: number
  readonly suite: CryptoSuite
  /** 16 bytes of master key, 14 of salt. */
  readonly keySalt: Uint8Array
}

const LINE = /^(\d{1,9})\s+(\S+)\s+(\S+)((?:\s+\S+)*)\s*$/

/** WSH is advice; `-…` may be ignored by definition (RFC 4568 6.3.7); no derivation rate is the default. */
const isHarmless = (parameter: string): boolean => /^(WSH=\d+|KDR=0|-.*)$/i.test(parameter)

/** A lifetime is a promise of the sender; a master key index (`|1:4`) would be in each packet. */
const keySaltOf = (keyParams: string): Uint8Array | undefined => {
  const match = /^inline:([A-Za-z0-9+/]{40})(?:\|(?:2\^)?\d{1,15})?$/i.exec(keyParams)
  return match === null ? undefined : Buffer.from(match[1]!, 'base64')
}

/** undefined: a suite, a form of key or a session parameter that is not taken here. */
export const parseCrypto = (value: string): SdpCrypto | undefined => {
  const [, tag, name, keyParams, parameters] = LINE.exec(value.trim()) ?? []
  const suite = CRYPTO_SUITES.find(known => known === name?.toUpperCase())
  const keySalt = keySaltOf(keyParams ?? '')
  if (suite === undefined || keySalt === undefined) return undefined
  const others = (parameters ?? '').split(/\s+/).filter(word => word !== '')
  return others.every(isHarmless) ? { tag: Number(tag), suite, keySalt } : undefined
}

export const formatCrypto = ({ tag, suite, keySalt }: SdpCrypto): string =>
  `${tag} ${suite} inline:${Buffer.from(keySalt).toString('base64')}`
