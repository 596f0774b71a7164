import { expect, test } from 'vitest'
import { createAccessPolicy } from '../../../src/access/policy.ts'
import { accessSchema } from '../../../src/access/schema.ts'
import type { Access } from '../../../src/adapters/adapter.ts'
import { createScope } from '../../../src/core/scope.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { type LogLine, recordingLogger } from '../../helpers/webrtc-gateway.ts'

const start = () => {
  const lines: LogLine[] = []
  const clock = new ManualClock()
  const config = accessSchema.parse({ publish: { key: 'the-right-key' }, play: 'any' })
  const policy = createAccessPolicy(config, {
    log: recordingLogger(lines),
    clock,
    scope: createScope('test'),
  })
  const ask = async (
    key: string | undefined,
    remote = '203.0.113.9',
    action: Access['action'] = 'publish',
  ) => {
    const token = key === undefined ? {} : { token: key }
    const access = { action, stream: 'live/cam', protocol: 'rtmp', remote, ...token }
    return policy.authorize(access).then(
      () => 'ok',
      (error: Error) => error.message.replace(/^.*: /, ''),
    )
  }
  const slowed = () => lines.filter(({ message }) => message.startsWith('more than')).length
  return { clock, ask, slowed, lines }
}
const guess = async (ask: (key: string) => Promise<string>, count: number): Promise<Set<string>> => {
  const answers = new Set<string>()
  for (let i = 0; i < count; i++) answers.add(await ask(`wrong-${i}`))
  return answers
}

test('ten wrong keys are mistakes; then one in five seconds is looked at, and the right one waits too', async () => {
  const { clock, ask, slowed } = start()
  expect(await guess(ask, 11)).toEqual(new Set(['the key is wrong']))
  expect(await guess(ask, 1000)).toEqual(new Set(['the next one is looked at in 5 s']))
  expect(await ask('the-right-key')).toBe('the next one is looked at in 5 s')
  expect(slowed()).toBe(1)
  clock.advance(5_000_000)
  expect(await ask('the-right-key')).toBe('ok')
  expect(await ask('wrong')).toBe('the key is wrong')
  expect(await ask('wrong')).toBe('the next one is looked at in 5 s')
  clock.advance(60_000_000)
  expect(await guess(ask, 11)).toEqual(new Set(['the key is wrong']))
})

test('others are not slowed down, nor is what is open to everybody, nor this host', async () => {
  const { ask } = start()
  await guess(ask, 20)
  expect(await ask('the-right-key', '203.0.113.10')).toBe('ok')
  expect(await ask('wrong', '203.0.113.9', 'subscribe')).toBe('ok')
  expect(await ask(undefined)).toBe('a key or token is wanted')
  expect(await guess(key => ask(key, '127.0.0.1'), 50)).toEqual(new Set(['the key is wrong']))
})

test('all addresses of one IPv6 network are one source; as IPv4 in IPv6 it is the IPv4 address', async () => {
  const { ask } = start()
  await guess(key => ask(key, `2001:db8:1:2::${key.slice(6)}`), 11)
  expect(await ask('wrong', '2001:db8:1:2:9:9:9:9')).toMatch(/looked at in 5 s/)
  expect(await ask('wrong', '2001:db8:1:3::1')).toBe('the key is wrong')
  await guess(key => ask(key, '::ffff:198.51.100.1'), 11)
  expect(await ask('wrong', '198.51.100.1')).toMatch(/looked at in 5 s/)
})

test('many sources fill neither memory nor log', async () => {
  const { ask, slowed } = start()
  await guess(ask, 11)
  for (let i = 0; i < 10_000; i++) await ask('wrong', `10.1.${i >> 8}.${i & 255}`)
  expect(await ask('the-right-key')).toBe('ok')
  for (let i = 0; i < 100; i++) await guess(key => ask(key, `10.2.0.${i}`), 11)
  expect(slowed()).toBe(1)
})
