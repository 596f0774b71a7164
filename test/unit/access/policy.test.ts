import { describe, expect, test } from 'vitest'
import { type AccessPolicy, createAccessPolicy } from '../../../src/access/policy.ts'
import { accessSchema } from '../../../src/access/schema.ts'
import type { Access } from '../../../src/adapters/adapter.ts'
import { createScope } from '../../../src/core/scope.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { type LogLine, recordingLogger } from '../../helpers/webrtc-gateway.ts'

const secret = 'a secret of at least 32 characters'

const start = (input: unknown): { policy: AccessPolicy; lines: LogLine[]; clock: ManualClock } => {
  const lines: LogLine[] = []
  const clock = new ManualClock()
  const parts = { log: recordingLogger(lines), clock, scope: createScope('test') }
  return { policy: createAccessPolicy(accessSchema.parse(input), parts), lines, clock }
}
const ask = (remote: string, more: Partial<Access> = {}): Access => ({
  action: 'publish',
  stream: 'live/cam',
  protocol: 'rtmp',
  remote,
  ...more,
})
/** 'ok', or the code of the refusal. */
const outcome = async (config: unknown, access: Access): Promise<string> =>
  start(config)
    .policy.authorize(access)
    .then(
      () => 'ok',
      (error: { code: string }) => error.code,
    )

describe('without any configuration', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])('%s may publish', async remote => {
    expect(await outcome({}, ask(remote))).toBe('ok')
  })
  test.each([
    '192.168.1.2',
    '::ffff:10.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    '',
    'forwarded',
    'localhost',
    '127.0.0.1.example.org',
  ])('"%s" may not publish', async remote => {
    expect(await outcome({}, ask(remote))).toBe('forbidden')
    expect(await outcome({}, ask(remote, { token: secret }))).toBe('forbidden')
  })
  test('everybody may play, only this machine uses the API', async () => {
    expect(await outcome({}, ask('203.0.113.9', { action: 'subscribe' }))).toBe('ok')
    expect(await outcome({}, ask('203.0.113.9', { action: 'api', stream: '' }))).toBe('forbidden')
    expect(await outcome({}, ask('203.0.113.9', { action: 'api', stream: '', scope: 'read' }))).toBe(
      'forbidden',
    )
    expect(await outcome({}, ask('::1', { action: 'api', stream: '' }))).toBe('ok')
  })
  test('the refusal names who, what and which setting', async () => {
    await expect(start({}).policy.authorize(ask('10.1.2.3'))).rejects.toThrow(
      'publishing live/cam over rtmp from 10.1.2.3: access.publish admits loopback only',
    )
  })
})

describe('networks', () => {
  test.each([
    ['10.2.3.4', 'ok'],
    ['11.0.0.1', 'forbidden'],
    ['2001:db8::5', 'ok'],
    ['2001:db9::5', 'forbidden'],
    ['192.0.2.7', 'ok'],
    ['::ffff:10.2.3.4', 'ok'],
    ['127.0.0.1', 'forbidden'],
  ])('%s → %s', async (remote, expected) => {
    expect(await outcome({ publish: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] }, ask(remote))).toBe(
      expected,
    )
  })
  test.each(['10.0.0.0/33', '10.0.0/8', 'anywhere', '::1/129', '1.2.3.4/', ''])('"%s" is none', text => {
    expect(accessSchema.safeParse({ publish: [text] }).success).toBe(false)
  })
})

describe('keys', () => {
  const config = {
    publish: [
      { streams: 'live/*', key: 'key-of-cams' },
      { streams: 'live/stage', key: ['first-key', 'second-key'] },
      { streams: 'studio/**', user: 'anna', key: 'her-password' },
      { streams: 'lab/**', from: '10.0.0.0/8', key: 'key-of-lab' },
    ],
    play: { key: 'key-of-viewers' },
  }
  test.each([
    ['live/cam', { token: 'key-of-cams' }, 'ok'],
    ['live/cam', { user: 'whoever', pass: 'key-of-cams' }, 'ok'],
    ['live/cam', { token: 'key-of-cam' }, 'unauthorized'],
    ['live/cam', { token: 'key-of-cams ' }, 'unauthorized'],
    ['live/cam', { token: '' }, 'unauthorized'],
    ['live/cam', { token: 'first-key' }, 'unauthorized'],
    ['live/cam', { token: 'key-of-viewers' }, 'unauthorized'],
    ['live/cam', {}, 'unauthorized'],
    ['live/stage', { token: 'second-key' }, 'ok'],
    ['live/stage', { token: 'key-of-cams' }, 'ok'],
    ['live/a/b', { token: 'key-of-cams' }, 'forbidden'],
    ['elsewhere', { token: 'key-of-cams' }, 'forbidden'],
    ['studio/a/b', { user: 'anna', pass: 'her-password' }, 'ok'],
    ['studio/a', { user: 'bert', pass: 'her-password' }, 'unauthorized'],
    ['studio/a', { token: 'her-password' }, 'unauthorized'],
    ['lab/x', { token: 'key-of-lab' }, 'forbidden'],
  ])('publishing %s with %j: %s', async (stream, credentials, expected) => {
    expect(await outcome(config, ask('203.0.113.9', { stream, ...credentials }))).toBe(expected)
  })
  test('the key to publish does not play', async () => {
    const play = (token: string) => outcome(config, ask('203.0.113.9', { action: 'subscribe', token }))
    expect([await play('key-of-viewers'), await play('key-of-cams')]).toEqual(['ok', 'unauthorized'])
  })
  test('a rule with an address and a key wants both', async () => {
    const from = (remote: string, token: string) => outcome(config, ask(remote, { stream: 'lab/x', token }))
    expect(await from('10.9.9.9', 'key-of-lab')).toBe('ok')
    expect(await from('10.9.9.9', 'key-of-cams')).toBe('unauthorized')
  })
  test('no sentence repeats what was shown or what is wanted', async () => {
    const { policy, lines } = start(config)
    const error = await policy
      .authorize(ask('1.2.3.4', { token: 'canary-shown', pass: 'canary-pass' }))
      .catch(e => e)
    expect(`${error.message} ${JSON.stringify([error, lines])}`).not.toMatch(/canary|key-of/)
  })
})

describe('scopes of the API', () => {
  const config = { api: [{ key: 'key-to-change' }, { key: 'key-to-look', scope: 'read' }] }
  test.each([
    ['key-to-change', 'write', 'ok'],
    ['key-to-change', 'read', 'ok'],
    ['key-to-look', 'read', 'ok'],
    ['key-to-look', 'write', 'unauthorized'],
    ['key-to-look', undefined, 'unauthorized'],
    ['another-key', 'read', 'unauthorized'],
  ] as const)('%s to %s: %s', async (token, scope, expected) => {
    const access = ask('127.0.0.1', { action: 'api', stream: '', token, ...(scope && { scope }) })
    expect(await outcome(config, access)).toBe(expected)
  })
})

describe('several questions of one caller', () => {
  const config = { play: { streams: 'open/*', from: 'any' }, api: [{ key: 'key-to-look', scope: 'read' }] }
  const read = { action: 'api', scope: 'read' } as const
  test('one granted wish is enough, and says nothing of the others', async () => {
    const { policy, lines } = start(config)
    const caller = await policy.admit(ask('1.2.3.4'), { action: 'subscribe' }, read)
    expect(caller.allows({ action: 'subscribe', stream: 'open/a' })).toBe(true)
    expect(caller.allows({ action: 'subscribe', stream: 'closed/a' })).toBe(false)
    expect(caller.allows(read)).toBe(false)
    expect(lines).toEqual([])
  })
  test('none granted: the refusal of the first', async () => {
    const { policy } = start({ ...config, play: { key: 'key-of-viewers' } })
    await expect(policy.admit(ask('1.2.3.4'), { action: 'subscribe' }, read)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('playing over rtmp from 1.2.3.4: a key or token is wanted'),
    })
  })
})

describe('refusals', () => {
  test('one line at once, then one number for each source', async () => {
    const { policy, lines, clock } = start({})
    const knock = (remote: string) => policy.authorize(ask(remote)).catch(() => undefined)
    for (let i = 0; i < 50; i += 1) await knock('10.0.0.1')
    await knock('10.0.0.2')
    expect(lines.map(({ fields }) => (fields as { remote: string }).remote)).toEqual(['10.0.0.1', '10.0.0.2'])
    clock.advance(10_000_000)
    expect(lines.slice(2)).toMatchObject([{ fields: { remote: '10.0.0.1', refused: 49 } }])
    expect(policy.refusals.get('publish forbidden')).toBe(51)
    clock.advance(10_000_000)
    expect([lines.length, clock.pending]).toEqual([3, 0])
  })
  test('a million sources fill neither the log nor the memory', async () => {
    const { policy, lines, clock } = start({})
    for (let i = 0; i < 3000; i += 1)
      await policy.authorize(ask(`10.0.${i >> 8}.${i & 255}`)).catch(() => undefined)
    expect(lines.length).toBeLessThanOrEqual(1001)
    expect(clock.pending).toBeLessThanOrEqual(1001)
    expect(policy.refusals.get('publish forbidden')).toBe(3000)
  })
})

test('other rules hold from the next question on; bad ones change nothing', async () => {
  const { policy } = start({})
  const publish = (): Promise<unknown> => policy.authorize(ask('203.0.113.9', { token: 'key-of-cams' }))
  await expect(publish()).rejects.toMatchObject({ code: 'forbidden' })
  policy.replace(accessSchema.parse({ publish: { key: 'key-of-cams' } }))
  await expect(publish()).resolves.toBeUndefined()
  const broken = accessSchema.parse({ jwt: { keyFile: '/nowhere.pem' } })
  expect(() => policy.replace(broken)).toThrow(/access.jwt.keyFile \/nowhere.pem/)
  await expect(publish()).resolves.toBeUndefined()
})
