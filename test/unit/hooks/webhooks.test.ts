/** Webhooks that the configuration changes under way. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createScope } from '../../../src/core/scope.ts'
import type { Scope } from '../../../src/core/types.ts'
import { EventLog } from '../../../src/events/log.ts'
import { type WebhookConfig, webhooksSchema } from '../../../src/hooks/config.ts'
import { openWebhooks } from '../../../src/hooks/webhooks.ts'
import { type HookServer, startHookServer } from '../../helpers/hook-server.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { until } from '../../helpers/program.ts'
import { strictLog } from '../../helpers/strict-log.ts'

const secret = 'a secret of the webhook'
const clock = new ManualClock()
let server: HookServer
let scope: Scope
beforeEach(async () => {
  server = await startHookServer()
  scope = createScope('test')
})
afterEach(async () => {
  await scope.close()
  await server[Symbol.asyncDispose]()
})

const fail = (error: unknown): never => {
  throw error
}
const read = (...entries: object[]): readonly WebhookConfig[] =>
  webhooksSchema.parse(entries.map(entry => ({ url: server.url, secret, ...entry })))
const told = (): string[] => server.requests.map(({ body }) => JSON.parse(body).reason)

test('one whose settings change keeps what waits for it, and its order; the new settings hold for it', async () => {
  const events = new EventLog({ clock, onError: fail })
  server.answer = response => void response.writeHead(503).end()
  const webhooks = openWebhooks(read({ events: ['stream:*'] }), events, { clock, log: strictLog([]), scope })
  const say = (reason: string): unknown => events.append('stream:ready', { stream: 'live/cam', reason })
  say('one')
  say('two')
  await until('the first has failed', () => webhooks.counts().failed === 1)
  server.answer = response => void response.writeHead(204).end()
  webhooks.apply(read({ secret: 'another secret, much longer', events: ['stream:ready'] }))
  say('three')
  events.append('stream:closed', { stream: 'live/cam', reason: 'not asked for any more' })
  expect(told()).toEqual(['one'])
  await clock.advanceAsync(1_500_000)
  await until('all have come', () => webhooks.counts().delivered === 3)
  expect(told()).toEqual(['one', 'one', 'two', 'three'])
  const signatures = server.requests.map(({ headers }) => headers['x-crosspoint-signature'])
  expect(signatures[0]).not.toBe(signatures[1])
  expect(webhooks.counts()).toEqual({ delivered: 3, failed: 1, dropped: 0, abandoned: 0, waiting: 0 })
})

test('of two with one address each keeps its own', async () => {
  const events = new EventLog({ clock, onError: fail })
  const both = [{ events: ['stream:ready'] }, { events: ['stream:closed'] }]
  const webhooks = openWebhooks(read(...both), events, { clock, log: strictLog([]), scope })
  webhooks.apply(read({ events: ['stream:waiting'] }, both[0]!))
  for (const type of ['stream:ready', 'stream:waiting', 'stream:closed'] as const)
    events.append(type, { stream: type, reason: type })
  await until('both are told', () => webhooks.counts().delivered === 2)
  expect(told().sort()).toEqual(['stream:ready', 'stream:waiting'])
})
