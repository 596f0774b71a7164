/** The certificate of a door, taken from files and taken anew when they change. */
import { X509Certificate } from 'node:crypto'
import { type Stats, unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Scope } from '../core/types.ts'
import { GatewayError } from '../errors.ts'

/** PEM files: the certificate with its chain, and its private key. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** As servers of `node:tls` and `node:https` take it. */
export interface CertificatePair {
  readonly cert: Buffer
  readonly key: Buffer
}

interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** By looking, not by notification: it works on every file system, and through the links that certbot changes. */
const lookEveryMs = 1000
const dayMs = 86_400_000

/** @throws when a file cannot be read, is no PEM, or the two do not belong together */
const readPair = async (files: CertificateFiles): Promise<CertificatePair> => {
  const [cert, key] = await Promise.all([readFile(files.cert), readFile(files.key)])
  createSecureContext({ cert, key })
  return { cert, key }
}

/** @throws GatewayError 'bad-config' with the names of the files, when they are of no use */
export const readCertificate = (files: CertificateFiles): Promise<CertificatePair> =>
  readPair(files).catch((error: Error) => {
    throw new GatewayError('bad-config', `the certificate ${files.cert} with ${files.key}: ${error.message}`)
  })

const tell = ({ cert }: CertificatePair, files: CertificateFiles, log: Log): void => {
  const { subject, validTo, validToDate } = new X509Certificate(cert)
  const days = Math.floor((validToDate.getTime() - Date.now()) / dayMs)
  const level = days < 0 ? 'warn' : 'info'
  const state = days < 0 ? 'has expired' : `is valid for ${days} more days`
  log[level](
    { file: files.cert, subject: subject.replaceAll('\n', ', '), validTo },
    `the certificate ${state}`,
  )
}

/**
 * Reads the pair, and calls `use` with every later one until `scope` closes. Files that do not fit together, as while
 * the second is still being written, change nothing and are logged.
 * @throws GatewayError 'bad-config' when the first pair is of no use
 */
export const openCertificate = async (
  files: CertificateFiles,
  scope: Scope,
  log: Log,
  use: (pair: CertificatePair) => void,
): Promise<CertificatePair> => {
  const first = await readCertificate(files)
  tell(first, files, log)
  const reload = (now: Stats, before: Stats): void => {
    if (now.mtimeMs === before.mtimeMs && now.ino === before.ino) return
    readPair(files).then(
      pair => {
        if (scope.signal.aborted) return
        use(pair)
        tell(pair, files, log)
      },
      (error: Error) => log.warn({ file: files.cert }, `the certificate stays as it was: ${error.message}`),
    )
  }
  for (const file of [files.cert, files.key])
    watchFile(file, { interval: lookEveryMs, persistent: false }, reload)
  scope.defer(() => {
    for (const file of [files.cert, files.key]) unwatchFile(file, reload)
  })
  return first
}
