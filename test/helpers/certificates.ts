/** Certificates for tests, made by openssl: an authority of our own and what it signs. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './program.ts'

export interface TestCertificates extends AsyncDisposable {
  /** PEM file of the authority, for clients. */
  readonly ca: string
  /** PEM files of the server, as configured. */
  readonly cert: string
  readonly key: string
  /** Signs a new certificate and puts it in the place of the one before. Gives its serial number. */
  renew(): Promise<string>
}

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** For `localhost` and 127.0.0.1. */
export const makeCertificates = async (): Promise<TestCertificates> => {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  const at = (name: string): string => join(folder, name)
  const files = { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') }
  await runProgram('openssl', [
    ...['req', '-x509', ...ec, '-keyout', at('ca.key'), '-out', files.ca],
    ...['-days', '2', '-subj', '/CN=test authority'],
  ])
  let serial = 1
  const renew = async (): Promise<string> => {
    serial += 1
    await runProgram('openssl', [
      ...['req', '-x509', ...ec, '-CA', files.ca, '-CAkey', at('ca.key')],
      ...['-keyout', at('new.key'), '-out', at('new.pem'), '-days', '1'],
      ...['-subj', '/CN=localhost', '-set_serial', String(serial)],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-addext', 'basicConstraints=CA:FALSE'],
    ])
    await copyFile(at('new.pem'), files.cert)
    await copyFile(at('new.key'), files.key)
    return serial.toString(16).toUpperCase().padStart(2, '0')
  }
  await renew()
  return {
    ...files,
    renew,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
