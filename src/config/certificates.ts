/** The certificates that a configuration names, tried before a gateway depends on them. */
import { isDeepStrictEqual } from 'node:util'
import { type CertificateFiles, readCertificate } from '../tls/certificate.ts'
import type { Config } from './config.ts'

const isPair = (value: object): value is CertificateFiles =>
  'cert' in value && 'key' in value && typeof value.cert === 'string' && typeof value.key === 'string'

const pairsIn = (value: unknown): readonly CertificateFiles[] => {
  if (typeof value !== 'object' || value === null) return []
  if (isPair(value)) return [{ cert: value.cert, key: value.key }]
  return [...(value instanceof Map ? value.values() : Object.values(value))].flatMap(pairsIn)
}

/**
 * Reads every certificate of `next` that `running` does not have: those are followed by their doors already.
 * @throws GatewayError 'bad-config' when one is missing, is no PEM, or does not belong to its key
 */
export const checkCertificates = async (next: Config, running?: Config): Promise<void> => {
  const known = pairsIn(running)
  for (const pair of pairsIn(next))
    if (!known.some(other => isDeepStrictEqual(other, pair))) await readCertificate(pair)
}
