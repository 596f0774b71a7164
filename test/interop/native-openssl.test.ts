/** The openssl program as the peer, over a real UDP socket, in both roles. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/index.ts'
import type { DtlsOptions, DtlsResult, DtlsSession, UdpSocket } from '../../src/native/types.ts'

const native = loadNative()
const certificate = native.createCertificate()
const folder = mkdtempSync(join(tmpdir(), 'crosspoint-openssl-'))
const [peerCertificate, peerKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
let peerFingerprint = ''
const running: { child: ChildProcess; socket: UdpSocket; session: DtlsSession }[] = []

beforeAll(() => {
  const made = native.createCertificate()
  writeFileSync(peerCertificate, made.certPem)
  writeFileSync(peerKey, made.keyPem)
  peerFingerprint = made.fingerprintSha256
})
afterEach(() => {
  for (const { child, socket, session } of running.splice(0)) {
    child.kill('SIGKILL')
    socket.close()
    session.free()
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a session of ours on a socket; every result of it in order. */
const serve = (session: DtlsSession, socket: UdpSocket, results: DtlsResult[]): void => {
  socket.onBatch(batch => {
    for (let i = 0; i < batch.count; i++) {
      const start = batch.offsets[i]!
      const result = session.feed(batch.slab.subarray(start, start + batch.lengths[i]!))
      results.push(result)
      socket.sendMany(batch.from[i]!, result.out)
    }
  })
}

const createSession = (role: DtlsOptions['role'], fingerprint = peerFingerprint): DtlsSession =>
  native.createDtls({ certificate, role, fingerprints: [{ algorithm: 'sha-256', value: fingerprint }] })

const startOpenssl = (args: readonly string[]): { child: ChildProcess; text: () => string } => {
  let output = ''
  const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdout.on('data', (data: Buffer) => {
    output += data
  })
  child.stderr.on('data', (data: Buffer) => {
    output += data
  })
  return { child, text: () => output }
}

const EXPORT = ['-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen']
const identity = () => ['-cert', peerCertificate, '-key', peerKey]

/** What openssl printed under "Keying material". */
const materialIn = (text: string): string | undefined => /Keying material: ([0-9A-F]+)/.exec(text)?.[1]

const connectOpenssl = (profile: string, bytes: number, fingerprint?: string) => {
  const results: DtlsResult[] = []
  const socket = native.openUdp({ host: '127.0.0.1', port: 0 })
  const session = createSession('server', fingerprint)
  serve(session, socket, results)
  const openssl = startOpenssl([
    ...['s_client', '-dtls1_2', '-connect', `127.0.0.1:${socket.port}`, '-use_srtp', profile],
    ...[...EXPORT, `${bytes}`, ...identity()],
  ])
  running.push({ child: openssl.child, socket, session })
  return { results, ...openssl }
}

describe('openssl s_client', () => {
  test.each([
    ['SRTP_AEAD_AES_128_GCM', 'AEAD_AES_128_GCM', 56],
    ['SRTP_AES128_CM_SHA1_80', 'AES_CM_128_HMAC_SHA1_80', 60],
    ['SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM', 'AEAD_AES_128_GCM', 56],
  ])('offering %s gets %s and the same keying material', async (offer, profile, bytes) => {
    const { results, text, child } = connectOpenssl(offer, bytes)
    await expect.poll(() => materialIn(text()), { timeout: 10_000 }).toBeDefined()
    const keys = results.find(result => result.keys)?.keys
    expect(keys?.profile).toBe(profile)
    const [client, server] = [
      [keys!.remoteKey, keys!.remoteSalt],
      [keys!.localKey, keys!.localSalt],
    ] as const
    const ours = Buffer.concat([client[0]!, server[0]!, client[1]!, server[1]!])
    expect(materialIn(text())).toBe(ours.toString('hex').toUpperCase())

    // `Q` makes it say close_notify.
    child.stdin!.write('Q\n')
    await expect.poll(() => results.at(-1)?.state, { timeout: 10_000 }).toBe('closed')
  })

  test('with another certificate than the SDP says is told so by an alert', async () => {
    const { results, text } = connectOpenssl('SRTP_AEAD_AES_128_GCM', 56, certificate.fingerprintSha256)
    await expect.poll(() => results.at(-1)?.state, { timeout: 10_000 }).toBe('failed')
    expect(results.at(-1)?.error).toBe('the certificate does not match the fingerprint in the SDP')
    await expect.poll(text, { timeout: 10_000 }).toMatch(/alert/)
  })

  test('without a certificate fails', async () => {
    const results: DtlsResult[] = []
    const socket = native.openUdp({ host: '127.0.0.1', port: 0 })
    const session = createSession('server')
    serve(session, socket, results)
    const { child } = startOpenssl([
      ...['s_client', '-dtls1_2', '-connect', `127.0.0.1:${socket.port}`],
      ...['-use_srtp', 'SRTP_AEAD_AES_128_GCM'],
    ])
    running.push({ child, socket, session })
    await expect.poll(() => results.at(-1)?.state, { timeout: 10_000 }).toBe('failed')
    expect(results.at(-1)?.error).toContain('peer did not return a certificate')
  })
})

describe('openssl s_server', () => {
  test('accepts us as the client and agrees on the keying material', async () => {
    const results: DtlsResult[] = []
    const socket = native.openUdp({ host: '127.0.0.1', port: 0 })
    const reserved = native.openUdp({ host: '127.0.0.1', port: 0 })
    const { port } = reserved
    reserved.close()
    const session = createSession('client')
    serve(session, socket, results)
    const { child, text } = startOpenssl([
      ...['s_server', '-dtls1_2', '-accept', `127.0.0.1:${port}`, '-use_srtp', 'SRTP_AEAD_AES_128_GCM'],
      ...['-verify', '1', ...EXPORT, '56', ...identity()],
    ])
    running.push({ child, socket, session })
    await expect.poll(text, { timeout: 10_000 }).toContain('ACCEPT')
    const to = socket.intern('127.0.0.1', port)
    socket.sendMany(to, session.start().out)
    await expect.poll(() => materialIn(text()), { timeout: 10_000 }).toBeDefined()
    const keys = results.find(result => result.keys)!.keys!
    const ours = Buffer.concat([keys.localKey, keys.remoteKey, keys.localSalt, keys.remoteSalt])
    expect(materialIn(text())).toBe(ours.toString('hex').toUpperCase())
  })
})

test('openssl reads our certificate', () => {
  const text = execFileSync('openssl', ['x509', '-noout', '-fingerprint', '-sha256'], {
    input: certificate.certPem,
  })
  expect(text.toString()).toContain(certificate.fingerprintSha256)
  const raw = new X509Certificate(certificate.certPem).raw
  expect(createHash('sha256').update(raw).digest('hex').toUpperCase()).toBe(
    certificate.fingerprintSha256.replaceAll(':', ''),
  )
})
