/** DTLS-SRTP handshakes in memory: our client against our server, what is refused, and what changes nothing. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { Certificate, DtlsSession } from '../../../src/native/types.ts'
import { createPair, fingerprintOf, handshake, native } from '../../helpers/dtls-pair.ts'
import { otherEnd } from '../../helpers/srtp-pair.ts'

const sha = (algorithm: string, certificate: Certificate): string =>
  createHash(algorithm)
    .update(new X509Certificate(certificate.certPem).raw)
    .digest('hex')
    .replaceAll(/..(?!$)/g, '$&:')

/** Drops the datagrams that `lose` picks, and lets both ends retransmit until they are through. */
const lossyHandshake = (
  server: DtlsSession,
  client: DtlsSession,
  lose: (count: number) => boolean,
): number => {
  let count = 0
  let toServer = [...client.start().out]
  let toClient: Uint8Array[] = []
  const states = { server: 'handshaking', client: 'handshaking' }
  for (let round = 0; round < 50 && Object.values(states).includes('handshaking'); round++) {
    while (toServer.length > 0 || toClient.length > 0) {
      const [forServer, forClient] = [toServer, toClient]
      toServer = []
      toClient = []
      for (const datagram of forServer.filter(() => !lose(count++))) {
        const result = server.feed(datagram)
        states.server = result.state
        toClient.push(...result.out)
      }
      for (const datagram of forClient.filter(() => !lose(count++))) {
        const result = client.feed(datagram)
        states.client = result.state
        toServer.push(...result.out)
      }
    }
    const deadline = performance.now() + Math.min(server.timeoutMs() ?? 1000, client.timeoutMs() ?? 1000)
    while (Object.values(states).includes('handshaking') && performance.now() < deadline);
    toServer = [...client.retransmit().out]
    toClient = [...server.retransmit().out]
  }
  expect(states).toEqual({ server: 'connected', client: 'connected' })
  return count
}

describe('certificate', () => {
  test('is self-signed ECDSA P-256 with the fingerprint it says', () => {
    const certificate = native.createCertificate()
    const parsed = new X509Certificate(certificate.certPem)
    expect(parsed.fingerprint256).toBe(certificate.fingerprintSha256)
    expect(parsed.verify(parsed.publicKey)).toBe(true)
    expect(parsed.checkPrivateKey(createPrivateKey(certificate.keyPem))).toBe(true)
    expect(parsed.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(native.createCertificate().fingerprintSha256).not.toBe(certificate.fingerprintSha256)
  })
})

describe('handshake', () => {
  test('both ends get the same keys, each its own way round, once', () => {
    const ends = handshake(...(Object.values(createPair()).slice(0, 2) as [DtlsSession, DtlsSession]))
    expect(ends.serverKeys?.profile).toBe('AEAD_AES_128_GCM')
    expect(ends.serverKeys).toEqual(otherEnd(ends.clientKeys!))
    expect(ends.serverKeys?.localKey).not.toEqual(ends.serverKeys?.remoteKey)
    expect(ends.server.feed(Buffer.alloc(20)).keys).toBeUndefined()
    expect(ends.server.timeoutMs()).toBeUndefined()
  })

  test.each([256, 400, 576, 1200])('every datagram fits an MTU of %i', mtu => {
    const { server, client } = createPair(mtu)
    const sizes: number[] = []
    const spy = (session: DtlsSession): DtlsSession =>
      ({
        ...session,
        start: () => session.start(),
        feed: datagram => {
          sizes.push(datagram.length)
          return session.feed(datagram)
        },
      }) as DtlsSession
    expect(handshake(spy(server), spy(client)).last.client.state).toBe('connected')
    expect(Math.max(...sizes)).toBeLessThanOrEqual(mtu)
    // The certificate alone is larger than a small MTU; how much larger differs with its signature.
    expect(sizes.length).toBeGreaterThan(mtu < 400 ? 5 : 3)
  })

  test.each([
    ['the first flight', (count: number) => count === 0],
    ['the server’s flight', (count: number) => count === 1],
    ['the last flight', (count: number) => count === 3],
    ['a quarter of all', (count: number) => ((count * 2654435761) >>> 13) % 4 === 0],
  ])('survives the loss of %s', (_, lose) => {
    const { server, client } = createPair(400)
    expect(lossyHandshake(server, client, lose)).toBeGreaterThan(4)
  })

  test('a client that repeats its hello lost our flight: it gets the same one again, at once', () => {
    const { server, client } = createPair(400)
    const hello = client.start().out[0]!
    const flight = server.feed(hello).out
    expect(flight.length).toBeGreaterThan(1)
    expect(server.timeoutMs()).toBeGreaterThan(500)
    expect(server.feed(hello).out).toEqual(flight)
    const answer = flight.flatMap(datagram => [...client.feed(datagram).out])
    const last = answer.flatMap(datagram => [...server.feed(datagram).out])
    expect(last.map(datagram => client.feed(datagram)).at(-1)?.state).toBe('connected')
    expect(server.feed(hello)).toEqual({ out: [], state: 'connected' })
  })

  test.each(['sha256', 'sha384', 'sha512'])('accepts a %s fingerprint, in small letters too', algorithm => {
    const { server, serverCertificate } = createPair()
    server.free()
    const certificate = native.createCertificate()
    const client = native.createDtls({
      certificate,
      role: 'client',
      fingerprints: [
        { algorithm: algorithm.replace('sha', 'SHA-'), value: sha(algorithm, serverCertificate) },
      ],
    })
    const honest = native.createDtls({
      certificate: serverCertificate,
      role: 'server',
      fingerprints: [{ algorithm: 'sha-256', value: 'AB:CD' }, ...fingerprintOf(certificate)],
    })
    expect(handshake(honest, client).last.client.state).toBe('connected')
  })

  test.each([
    ['none', []],
    ['sha-1 only', [{ algorithm: 'sha-1', value: Array(20).fill('AB').join(':') }]],
    ['of the wrong length', [{ algorithm: 'sha-256', value: 'AB:CD' }]],
    ['no hex', [{ algorithm: 'sha-256', value: Array(32).fill('XY').join(':') }]],
  ])('does not begin with a fingerprint that proves nothing: %s', (_, fingerprints) => {
    expect(() =>
      native.createDtls({ certificate: native.createCertificate(), role: 'server', fingerprints }),
    ).toThrow(expect.objectContaining({ code: 'bad-request' }))
  })

  test('a certificate with another key cannot be used', () => {
    const [one, two] = [native.createCertificate(), native.createCertificate()]
    const certificate = { ...one, keyPem: two.keyPem }
    expect(() =>
      native.createDtls({ certificate, role: 'server', fingerprints: fingerprintOf(one) }),
    ).toThrow('cannot be used together')
  })
})

describe('what is refused', () => {
  const strangers = ['server', 'client'] as const
  test.each(strangers)('the %s sees another certificate than the SDP says: it fails and has no keys', who => {
    const { serverCertificate, clientCertificate } = createPair()
    const wrong = fingerprintOf(native.createCertificate())
    const server = native.createDtls({
      certificate: serverCertificate,
      role: 'server',
      fingerprints: who === 'server' ? wrong : fingerprintOf(clientCertificate),
    })
    const client = native.createDtls({
      certificate: clientCertificate,
      role: 'client',
      fingerprints: who === 'client' ? wrong : fingerprintOf(serverCertificate),
    })
    const ends = handshake(server, client)
    expect(ends.last[who]).toMatchObject({
      state: 'failed',
      error: 'the certificate does not match the fingerprint in the SDP',
    })
    expect([ends.serverKeys, ends.clientKeys]).toEqual([undefined, undefined])
  })

  test('a flood of datagrams ends the handshake, not the process', () => {
    const { server, client } = createPair()
    const hello = client.start().out[0]!
    let last = server.feed(hello)
    for (let count = 0; count < 300 && last.state === 'handshaking'; count++) last = server.feed(hello)
    expect(last).toMatchObject({ state: 'failed', error: expect.stringContaining('more datagrams') })
    expect(server.feed(hello)).toMatchObject({ state: 'failed', out: [] })
  })

  test('fragments of a huge handshake message are not collected', () => {
    const { server } = createPair()
    const before = process.memoryUsage.rss()
    for (let count = 0; count < 200; count++) {
      const fragment = Buffer.alloc(13 + 12 + 1000)
      fragment.set([22, 254, 253, 0, 0, 0, 0, 0, 0, 0, count, 4, 244])
      fragment.set([1, 0xff, 0xff, 0xff, 0, 0], 13)
      fragment.writeUIntBE(count * 1000, 19, 3)
      fragment.writeUIntBE(1000, 22, 3)
      server.feed(fragment)
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(8 * 1024 * 1024)
  })

  test('a plaintext alert in the handshake is believed only when nothing follows', () => {
    const alert = Buffer.from('15fefd00000000000000000002022800'.slice(0, 30), 'hex')
    const { server, client } = createPair()
    const hello = client.start().out
    expect(server.feed(alert).state).toBe('handshaking')
    const flight = hello.flatMap(datagram => [...server.feed(datagram).out])
    expect(server.feed(alert).state).toBe('handshaking')
    const answer = flight.flatMap(datagram => [...client.feed(datagram).out])
    expect(answer.map(datagram => server.feed(datagram)).at(-1)?.state).toBe('connected')

    const refused = createPair()
    const waiting = refused.client.start()
    expect(waiting.state).toBe('handshaking')
    refused.client.feed(alert)
    expect(refused.client.retransmit()).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('handshake failure'),
    })
  })
})

describe('after the handshake', () => {
  const connected = () => {
    const { server, client } = createPair()
    return handshake(server, client)
  }
  const strangersHello = () => createPair().client.start().out[0]!
  const alert = (level: number, description: number, epoch = 0) =>
    Buffer.from([21, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 9, 0, 2, level, description])

  test.each<[string, () => Uint8Array]>([
    ['a stranger’s ClientHello', strangersHello],
    ['a plaintext close_notify', () => alert(1, 0)],
    ['a plaintext fatal alert', () => alert(2, 40)],
    ['a forged alert of the right epoch', () => alert(2, 40, 1)],
    ['a datagram that is no DTLS', () => Buffer.from('hello')],
    ['nothing', () => Buffer.alloc(0)],
    ['half a record header', () => alert(2, 40).subarray(0, 7)],
    [
      'a record that says to be longer',
      () => Buffer.from([22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 1, 255, 255, 1]),
    ],
    ['another version', () => Buffer.from([22, 3, 3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1])],
    ['noise', () => Buffer.from(Array.from({ length: 700 }, (_, at) => (at * at * 31 + 20) & 0xff))],
  ])('%s changes nothing and is not answered', (_, make) => {
    const { server, client } = connected()
    for (let count = 0; count < 20; count++) {
      expect(server.feed(make())).toEqual({ out: [], state: 'connected' })
      expect(client.feed(make())).toEqual({ out: [], state: 'connected' })
    }
    const notify = client.close()
    expect(server.feed(notify[0]!).state).toBe('closed')
  })

  test('records of every type, epoch and length, made up, change nothing and are not answered', () => {
    const { server, client } = connected()
    for (let type = 19; type < 27; type++) {
      for (let length = 0; length < 64; length++) {
        for (const epoch of [0, 1, 2]) {
          const record = Buffer.alloc(13 + length, type * length)
          record.set([type, 254, 253, 0, epoch, 0, 0, 0, 0, 1, length, 0, length])
          expect(server.feed(record), `type ${type} epoch ${epoch} length ${length}`).toEqual({
            out: [],
            state: 'connected',
          })
        }
      }
    }
    expect(server.feed(client.close()[0]!).state).toBe('closed')
  })

  test('random damage to real datagrams changes nothing', () => {
    const { server, client } = connected()
    const notify = Buffer.from(client.close()[0]!)
    for (let at = 0; at < notify.length; at++) {
      // The minor version of a record is not authenticated: what it says inside still is.
      if (at === 2) continue
      const damaged = Buffer.from(notify)
      damaged[at]! ^= 0x10
      expect(server.feed(damaged).state, `byte ${at}`).toBe('connected')
    }
    expect(server.feed(notify).state).toBe('closed')
  })

  test('a repeated last flight of the client is answered with ours again', () => {
    const { server, client } = createPair()
    const flight = client.start().out.flatMap(datagram => [...server.feed(datagram).out])
    const answer = flight.flatMap(datagram => [...client.feed(datagram).out])
    for (const datagram of answer) server.feed(datagram)
    const repeated = client.retransmit()
    expect(repeated.out).toEqual([])
    const deadline = performance.now() + client.timeoutMs()!
    while (performance.now() < deadline);
    const again = client.retransmit().out.flatMap(datagram => [...server.feed(datagram).out])
    expect(again.length).toBeGreaterThan(0)
    expect(again.map(datagram => client.feed(datagram)).at(-1)?.state).toBe('connected')
  })

  test('a freed session throws, and freeing twice is nothing', () => {
    const { server } = connected()
    server.free()
    server.free()
    expect(() => server.feed(Buffer.alloc(1))).toThrow('freed')
    expect(() => server.timeoutMs()).toThrow('freed')
  })

  test('a method on another object throws instead of crashing', () => {
    const { server, serverKeys } = connected()
    const srtp = native.createSrtp(serverKeys!)
    expect(() => srtp.protectRtp.call(server, Buffer.alloc(12), 12, Buffer.alloc(40))).toThrow(TypeError)
    expect(() => server.feed.call({}, Buffer.alloc(1))).toThrow(TypeError)
    expect(() => server.feed('text' as unknown as Uint8Array)).toThrow(TypeError)
  })
})

test('2000 handshakes leave no memory behind', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const cycles = async (count: number): Promise<number> => {
    for (let done = 0; done < count; done++) {
      const { server, client } = createPair()
      const { serverKeys } = handshake(server, client)
      native.createSrtp(serverKeys!).free()
      server.free()
      client.free()
      // The wrappers of freed objects go when the event loop turns.
      if (done % 50 === 0) await setImmediate()
    }
    collect()
    await setImmediate()
    return process.memoryUsage.rss()
  }
  // The heap grows in steps now and then; a leak (one SSL object is some 20 kB) would show in every window.
  const growth: number[] = []
  let before = await cycles(500)
  for (let window = 0; window < 4; window++) {
    const after = await cycles(500)
    growth.push((after - before) / 500)
    before = after
  }
  expect(Math.min(...growth)).toBeLessThan(1000)
}, 60_000)
