import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccessPolicy } from '../../../src/access/policy.ts'
import { accessSchema } from '../../../src/access/schema.ts'
import { createScope } from '../../../src/core/scope.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { recordingLogger } from '../../helpers/webrtc-gateway.ts'

const text = 'a secret of at least 32 characters'
const secret = new TextEncoder().encode(text)
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

let folder: string
let jwksUrl: string
const jwks = { keys: [] as object[] }
const server = createServer((_, response) => response.end(JSON.stringify(jwks)))
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokens-'))
  writeFileSync(join(folder, 'rsa.pem'), pem(rsa.publicKey))
  writeFileSync(join(folder, 'ec.pem'), pem(ec.publicKey))
  jwks.keys.push({ ...(await exportJWK(rsa.publicKey)), kid: 'one', alg: 'RS256' })
  jwks.keys.push({ ...(await exportJWK(ec.publicKey)), kid: 'two', alg: 'ES256' })
  writeFileSync(join(folder, 'set.json'), JSON.stringify(jwks))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

const good: JWTPayload = { publish: 'live/*', play: ['live/**', 'open'], api: 'read' }
const sign = (
  claims: JWTPayload,
  key: KeyObject | Uint8Array = secret,
  header: { alg?: string; kid?: string } = {},
  exp: string | number | null = '5m',
): Promise<string> => {
  const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header })
  return (exp === null ? token : token.setExpirationTime(exp)).sign(key)
}

/** 'ok', or code and reason of the refusal. */
const judge = async (
  jwt: object,
  token: string,
  action: 'publish' | 'subscribe' | 'api' = 'publish',
  stream = 'live/cam',
  scope: 'read' | 'write' = 'write',
): Promise<string> => {
  const config = accessSchema.parse({
    publish: { jwt: true },
    play: { jwt: true },
    api: [{ jwt: true }, { jwt: true, scope: 'read' }],
    jwt,
  })
  const parts = { log: recordingLogger([]), clock: new ManualClock(), scope: createScope('test') }
  const access = { action, stream, protocol: 'whip', remote: '203.0.113.9', token, scope }
  return createAccessPolicy(config, parts)
    .authorize(access)
    .then(
      () => 'ok',
      (error: { code: string; message: string }) => `${error.code}: ${error.message.split(': ').at(-1)}`,
    )
}
const hs = { secret: text }

describe('what a token allows', () => {
  test.each([
    ['publish', 'live/cam', 'ok'],
    ['publish', 'live/a/b', 'forbidden: the token does not allow it'],
    ['subscribe', 'live/a/b', 'ok'],
    ['subscribe', 'open', 'ok'],
    ['subscribe', 'closed', 'forbidden: the token does not allow it'],
  ] as const)('%s %s: %s', async (action, stream, expected) => {
    expect(await judge(hs, await sign(good), action, stream)).toBe(expected)
  })
  test('to look into the API, not to use it', async () => {
    expect(await judge(hs, await sign(good), 'api', '', 'read')).toBe('ok')
    expect(await judge(hs, await sign(good), 'api', '')).toBe('forbidden: the token does not allow it')
    expect(await judge(hs, await sign({ api: 'write' }), 'api', '')).toBe('ok')
  })
  test('the holder of a token to play cannot publish', async () => {
    const player = await sign({ play: '**' })
    expect(await judge(hs, player, 'subscribe')).toBe('ok')
    expect(await judge(hs, player, 'publish')).toBe('forbidden: the token does not allow it')
  })
  test('a rule narrows what its tokens may', async () => {
    const config = accessSchema.parse({ publish: { streams: 'stage/*', jwt: true }, jwt: hs })
    const parts = { log: recordingLogger([]), clock: new ManualClock(), scope: createScope('test') }
    const access = { action: 'publish', stream: 'live/cam', protocol: 'rtmp', remote: '::1' } as const
    const asked = createAccessPolicy(config, parts).authorize({
      ...access,
      token: await sign({ publish: '**' }),
    })
    await expect(asked).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('who signed it', () => {
  test.each([
    ['rsa.pem', rsa.privateKey, 'RS256', undefined],
    ['ec.pem', ec.privateKey, 'ES256', undefined],
    ['set.json', rsa.privateKey, 'RS256', 'one'],
    ['set.json', ec.privateKey, 'ES256', 'two'],
  ])('a key of %s', async (file, key, alg, kid) => {
    const token = await sign(good, key, { alg, ...(kid && { kid }) })
    expect(await judge({ keyFile: join(folder, file) }, token)).toBe('ok')
  })
  test('a key that its issuer publishes', async () => {
    expect(await judge({ jwksUrl }, await sign(good, ec.privateKey, { alg: 'ES256', kid: 'two' }))).toBe('ok')
    const foreign = await sign(good, stranger.privateKey, { alg: 'ES256', kid: 'three' })
    expect(await judge({ jwksUrl }, foreign)).toMatch(
      /^unauthorized: the token is signed with a key that is not/,
    )
  })
  test('nobody is let in while the issuer cannot be asked', async () => {
    const dead = await new Promise<string>(resolve => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address() as AddressInfo
        probe.close(() => resolve(`http://127.0.0.1:${port}/jwks.json`))
      })
    })
    const token = await sign(good, ec.privateKey, { alg: 'ES256', kid: 'two' })
    expect(await judge({ jwksUrl: dead }, token)).toMatch(/^unauthorized: the token cannot be checked/)
  })
})

describe('tokens that are no good', () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 300
  const nobody = `${part({ alg: 'none' })}.${part({ ...good, exp })}.`

  test.each([
    ['expired', () => sign(good, secret, {}, exp - 400), 'the token has expired'],
    ['without an end', () => sign(good, secret, {}, null), 'the token has no end (exp)'],
    ['not valid yet', () => sign({ ...good, nbf: exp }), 'the token is not valid yet (nbf)'],
    ['of another secret', () => sign(good, Buffer.alloc(32, 7)), 'the token has a wrong signature'],
    [
      'of another algorithm',
      () => sign(good, Buffer.alloc(64, 7), { alg: 'HS512' }),
      'the token is signed in a way',
    ],
    [
      'with a pattern that is none',
      () => sign({ publish: 'live/%' }),
      'the token has a claim "publish" that is no',
    ],
    [
      'with a claim that is no text',
      () => sign({ publish: { a: 1 } }),
      'the token has a claim "publish" that is no',
    ],
    [
      'with a scope nobody knows',
      () => sign({ ...good, api: 'root' }),
      'the token has a claim "api" that is neither',
    ],
    ['too long', () => sign({ ...good, x: 'x'.repeat(9000) }), 'the token has '],
  ])('%s', async (_, make, reason) => {
    expect(await judge(hs, await make())).toContain(`unauthorized: ${reason}`)
  })
  test('unsigned: not even taken for a token', async () => {
    expect(await judge(hs, nobody)).toBe('unauthorized: the key is wrong')
    expect(await judge(hs, `${nobody}AAAA`)).toContain('unauthorized: the token is signed in a way')
  })
  test('signed with the public key as if it were a secret', async () => {
    const body = `${part({ alg: 'HS256' })}.${part({ ...good, exp })}`
    const forged = `${body}.${createHmac('sha256', pem(rsa.publicKey)).update(body).digest('base64url')}`
    expect(await judge({ keyFile: join(folder, 'rsa.pem') }, forged)).toContain(
      'the token is signed in a way',
    )
    expect(await judge({ keyFile: join(folder, 'set.json') }, forged)).toMatch(/^unauthorized/)
  })
  test('meant for somebody else, or from somebody else', async () => {
    const ours = { ...hs, audience: 'crosspoint', issuer: ['https://a.example', 'https://b.example'] }
    const claims = { ...good, aud: ['x', 'crosspoint'], iss: 'https://b.example' }
    expect(await judge(ours, await sign(claims))).toBe('ok')
    expect(await judge(ours, await sign({ ...claims, aud: 'x' }))).toContain('somebody else (aud)')
    expect(await judge(ours, await sign({ ...claims, iss: 'https://c.example' }))).toContain(
      'somebody else (iss)',
    )
    expect(await judge(ours, await sign(good))).toContain('unauthorized')
  })
  test('one flipped character anywhere', async () => {
    const token = await sign(good)
    for (let at = 0; at < token.length; at += 1) {
      if (token[at] === '.') continue
      // The last character of a part carries bits that are no part of the signature.
      const flipped = token[at] === 'A' ? 'Q' : 'A'
      const changed = token.slice(0, at) + flipped + token.slice(at + 1)
      if (at === token.length - 1) continue
      expect(await judge(hs, changed), changed).toMatch(/^unauthorized/)
    }
  })
})
