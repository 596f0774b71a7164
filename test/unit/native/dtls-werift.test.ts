/** werift's DTLS against ours: as an honest peer, and, since it lets us lie, as a thief. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Certificate, DtlsResult, DtlsSession } from '../../../src/native/types.ts'
import { fingerprintOf, native } from '../../helpers/dtls-pair.ts'

/** The part of werift's internal DTLS classes that is used here; its package does not export them. */
interface WeriftSocket {
  onConnect: { subscribe(listener: () => void): void }
  onError: { subscribe(listener: (error: Error) => void): void }
  connect(): Promise<void>
  srtp: { srtpProfile?: number }
  extractSessionKeys(key: number, salt: number): Record<'localKey' | 'localSalt', Buffer>
}
interface WeriftTransport {
  type: string
  address: unknown
  onData: (bytes: Buffer) => void
  send(bytes: Buffer): Promise<void>
  close(): Promise<void>
}
type WeriftClass = new (options: object) => WeriftSocket

const require = createRequire(import.meta.url)
const internals = join(dirname(require.resolve('werift')), '../../dtls/src')
const { DtlsClient } = require(join(internals, 'client.js')) as { DtlsClient: WeriftClass }

const AES_CM = 1
const GCM = 7

/** Lets a werift client shake hands with our session, in memory; the results of our side, in order. */
const shakeHands = async (session: DtlsSession, certificate: Certificate, profiles: readonly number[]) => {
  const results: DtlsResult[] = []
  const transport: WeriftTransport = {
    type: 'memory',
    address: {},
    onData: () => {},
    close: async () => {},
    send: async bytes => {
      const result = session.feed(bytes)
      results.push(result)
      for (const datagram of result.out) queueMicrotask(() => transport.onData(Buffer.from(datagram)))
    },
  }
  const client = new DtlsClient({
    transport,
    cert: certificate.certPem,
    key: certificate.keyPem,
    signatureHash: { hash: 4, signature: 3 },
    srtpProfiles: profiles,
    extendedMasterSecret: true,
  })
  const ended = new Promise<void>(resolve => {
    client.onConnect.subscribe(resolve)
    client.onError.subscribe(() => resolve())
  })
  await client.connect()
  await expect.poll(() => results.at(-1)?.state, { timeout: 5000 }).not.toBe('handshaking')
  if (results.at(-1)?.state === 'connected') await ended
  return { client, results }
}

const createServer = (fingerprintFrom: Certificate): DtlsSession =>
  native.createDtls({
    certificate: native.createCertificate(),
    role: 'server',
    fingerprints: fingerprintOf(fingerprintFrom),
  })

describe('werift as the client', () => {
  test.each([
    ['AEAD_AES_128_GCM', [AES_CM, GCM], 12],
    ['AES_CM_128_HMAC_SHA1_80', [AES_CM], 14],
  ] as const)('agrees on %s and on the keys', async (profile, offered, salt) => {
    const certificate = native.createCertificate()
    const { client, results } = await shakeHands(createServer(certificate), certificate, offered)
    const keys = results.find(result => result.keys)?.keys
    expect(keys?.profile).toBe(profile)
    const theirs = client.extractSessionKeys(16, salt)
    expect(keys?.remoteKey).toEqual(theirs.localKey)
    expect(keys?.remoteSalt).toEqual(theirs.localSalt)
  })

  test('with a stolen certificate, the right fingerprint and no private key: failed, no keys', async () => {
    const stolen = native.createCertificate()
    const thief = { ...stolen, keyPem: native.createCertificate().keyPem }
    const { results } = await shakeHands(createServer(stolen), thief, [GCM])
    expect(results.at(-1)).toMatchObject({ state: 'failed', error: expect.stringContaining('bad signature') })
    expect(results.some(result => result.keys !== undefined)).toBe(false)
  })

  test('offering no SRTP profile that we have: failed, no keys', async () => {
    const certificate = native.createCertificate()
    const { results } = await shakeHands(createServer(certificate), certificate, [])
    expect(results.at(-1)).toMatchObject({
      state: 'failed',
      error: 'the peer offers no SRTP profile that we have',
    })
    expect(results.some(result => result.keys !== undefined)).toBe(false)
  })
})
