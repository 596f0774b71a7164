/** Two ends of a handshake in memory. */
import { loadNative } from '../../src/native/index.ts'
import type { Certificate, DtlsResult, DtlsSession, SrtpKeys } from '../../src/native/types.ts'

export const native = loadNative()

export const fingerprintOf = (certificate: Certificate) => [
  { algorithm: 'sha-256', value: certificate.fingerprintSha256 },
]

export interface Ends {
  readonly server: DtlsSession
  readonly client: DtlsSession
  readonly serverKeys: SrtpKeys | undefined
  readonly clientKeys: SrtpKeys | undefined
  readonly last: { readonly server: DtlsResult; readonly client: DtlsResult }
}

const step = (session: DtlsSession, datagrams: readonly Uint8Array[], results: DtlsResult[]): Uint8Array[] =>
  datagrams.flatMap(datagram => {
    const result = session.feed(datagram)
    results.push(result)
    return [...result.out]
  })

/** Carries datagrams between the two until both fall silent. */
export const handshake = (server: DtlsSession, client: DtlsSession): Ends => {
  const serverResults: DtlsResult[] = []
  const clientResults: DtlsResult[] = [client.start()]
  let toServer = [...clientResults[0]!.out]
  while (toServer.length > 0) {
    const toClient = step(server, toServer, serverResults)
    toServer = step(client, toClient, clientResults)
  }
  return {
    server,
    client,
    serverKeys: serverResults.find(result => result.keys)?.keys,
    clientKeys: clientResults.find(result => result.keys)?.keys,
    last: { server: serverResults.at(-1)!, client: clientResults.at(-1)! },
  }
}

export const createPair = (mtuBytes = 1200) => {
  const [serverCertificate, clientCertificate] = [native.createCertificate(), native.createCertificate()]
  return {
    server: native.createDtls({
      certificate: serverCertificate,
      role: 'server',
      fingerprints: fingerprintOf(clientCertificate),
      mtuBytes,
    }),
    client: native.createDtls({
      certificate: clientCertificate,
      role: 'client',
      fingerprints: fingerprintOf(serverCertificate),
      mtuBytes,
    }),
    serverCertificate,
    clientCertificate,
  }
}
