import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, isDeepStrictEqual } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { isPattern, matchesAny } from '../../../src/access/pattern.ts'
import { Secret } from '../../../src/adapters/secret.ts'
import { parseConfig } from '../../../src/config/config.ts'

afterEach(() => void vi.unstubAllEnvs())

describe('patterns', () => {
  test.each([
    ['live/cam', 'live/cam', true],
    ['live/cam', 'live/cam2', false],
    ['live/*', 'live/cam', true],
    ['live/*', 'live/a/b', false],
    ['live/*', 'live', false],
    ['live/**', 'live/a/b', true],
    ['live/**', 'live', false],
    ['live/**', 'livex/a', false],
    ['**', 'a/b/c', true],
    ['**/cam', 'cam', true],
    ['**/cam', 'a/b/cam', true],
    ['**/cam', 'a/b/xcam', false],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'a/b/c', false],
    ['**/**/**', 'a', true],
    ['a/**/**/z', 'a/z', true],
    ['a/**/**', 'a', false],
    ['cam-*', 'cam-1', true],
    ['cam-*-hd', 'cam-1-hd', true],
    ['cam-*-hd', 'cam-hd', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['a*a', 'a', false],
    ['*.x', 'a.x', true],
    ['LIVE/*', 'live/cam', false],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(isPattern(pattern)).toBe(true)
    expect(matchesAny([pattern], name)).toBe(expected)
  })
  test.each(['', '/', 'a//b', 'a/', 'a b', 'a?', '[a]', 'a\n', '(a+)+', 'a/'.repeat(9), 'x'.repeat(300)])(
    '"%s" is none',
    text => {
      expect(isPattern(text)).toBe(false)
    },
  )
  test('the worst patterns take no time', () => {
    const patterns = [
      `${'*a'.repeat(60)}b`,
      '**/**/**/**/**/**/**/x',
      '**/*/**/*/**/*/**/x',
      '**/a*/**/*a/**/a*/**/x',
    ]
    const from = performance.now()
    for (let i = 0; i < 100; i += 1)
      expect(matchesAny(patterns, `${'a'.repeat(120)}/b/c/d/e/f/g/h`)).toBe(false)
    expect(performance.now() - from).toBeLessThan(1000)
  })
})

describe('secrets', () => {
  test('no way of printing shows the text', () => {
    const secret = new Secret('canary-1234')
    const ways = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }),
      inspect(secret),
    ]
    ways.push(inspect(secret, { customInspect: false, showHidden: true }), Object.values(secret).join())
    for (const way of ways) expect(way).not.toContain('canary')
    expect(secret.reveal()).toBe('canary-1234')
  })
  test('two configurations compare by their secrets, too', () => {
    expect(isDeepStrictEqual(new Secret('one'), new Secret('one'))).toBe(true)
    expect(isDeepStrictEqual(new Secret('one'), new Secret('two'))).toBe(false)
  })
  test('the environment or a file may hold it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
    const file = join(folder, 'key')
    writeFileSync(file, 'key-in-a-file\n')
    vi.stubEnv('CAM_KEY', 'key-in-the-environment')
    const { publish } = parseConfig({ access: { publish: { key: ['env:CAM_KEY', `file:${file}`] } } }).access
    expect(publish[0]?.key?.map(key => key.reveal())).toEqual(['key-in-the-environment', 'key-in-a-file'])
    await rm(folder, { recursive: true })
  })
})

describe('what is wrong is said with its place, never with the secret', () => {
  test.each([
    [{ publish: 'nowhere' }, 'access.publish.0.from.0: is not "loopback", "any", an IP address or a network'],
    [{ publish: [{}] }, 'access.publish.0: needs at least one of from, key and jwt'],
    [{ publish: { kye: 'canary-1234' } }, 'unknown key access.publish.0.kye: did you mean key?'],
    [
      { publish: { key: 'canary' } },
      'access.publish.0.key.0: is too short: at least 8 characters are wanted',
    ],
    [{ publish: { key: 'env:NOT_THERE_X' } }, 'the environment variable NOT_THERE_X is not set'],
    [{ publish: { key: 'file:/nowhere/key' } }, 'access.publish.0.key.0: ENOENT'],
    [{ publish: { user: 'anna', from: 'any' } }, 'access.publish.0: has a user without a key'],
    [{ play: { jwt: true } }, 'access.play.0.jwt: needs access.jwt'],
    [{ play: { key: 'canary-1234', jwt: true }, jwt: {} }, 'access.play.0: has key or jwt: write two rules'],
    [{ play: { streams: 'live/%', from: 'any' } }, 'access.play.0.streams.0: is not a pattern'],
    [{ jwt: {} }, 'access.jwt: needs exactly one of secret, keyFile and jwksUrl'],
    [{ jwt: { secret: 'canary-1234' } }, 'access.jwt.secret: is too short: at least 32 characters'],
    [{ jwt: { jwksUrl: 'http://keys.example/jwks' } }, 'access.jwt.jwksUrl: must be https'],
    [{ jwt: { jwksUrl: 'file:///etc/passwd' } }, 'access.jwt.jwksUrl'],
    [{ api: { key: 'canary-1234', scope: 'all' } }, 'access.api.0.scope'],
  ])('%j', (access, sentence) => {
    const parse = (): unknown => parseConfig({ access } as never)
    expect(parse).toThrow(sentence)
    expect(parse).not.toThrow(/canary/)
  })
})
