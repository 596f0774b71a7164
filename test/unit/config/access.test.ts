import { describe, expect, test } from 'vitest'
import { accessSchema, createAccessPolicy } from '../../../src/config/access.ts'

const policy = (input: unknown) => createAccessPolicy(accessSchema.parse(input))
const ask = (remote: string, action: 'publish' | 'subscribe' | 'api' = 'publish') => ({
  action,
  stream: 'live/cam',
  protocol: 'rtmp',
  remote,
})

describe('access', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])(
    '%s may publish by default',
    async remote => {
      await expect(policy({}).authorize(ask(remote))).resolves.toBeUndefined()
    },
  )
  test.each([
    '192.168.1.2',
    '::ffff:10.0.0.1',
    'fe80::1',
    '',
    'forwarded',
    'localhost',
    '127.0.0.1.example.org',
  ])('"%s" may not publish by default', async remote => {
    await expect(policy({}).authorize(ask(remote))).rejects.toMatchObject({ code: 'forbidden' })
  })
  test('the refusal names who, what and which setting', async () => {
    await expect(policy({}).authorize(ask('10.1.2.3'))).rejects.toThrow(
      'publishing live/cam over rtmp from 10.1.2.3: access.publish is loopback',
    )
  })
  test('everybody may play by default, only this machine uses the API', () => {
    expect(policy({}).allows('subscribe', '203.0.113.9')).toBe(true)
    expect(policy({}).allows('api', '203.0.113.9')).toBe(false)
  })
  test.each([
    ['10.2.3.4', true],
    ['11.0.0.1', false],
    ['2001:db8::5', true],
    ['2001:db9::5', false],
    ['192.0.2.7', true],
    ['::ffff:10.2.3.4', true],
    ['127.0.0.1', false],
  ])('networks: %s → %s', (remote, allowed) => {
    const { allows } = policy({ publish: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] })
    expect(allows('publish', remote)).toBe(allowed)
  })
})
