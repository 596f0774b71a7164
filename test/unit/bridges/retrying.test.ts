/** The driver with a hand-cranked clock: what is connected when, and what is let go before. */
import { afterEach, expect, test } from 'vitest'
import { lossOf, type Outcome, Retrying, type RetryingOptions } from '../../../src/bridges/retrying.ts'
import { createScope } from '../../../src/core/scope.ts'
import type { Scope } from '../../../src/core/types.ts'
import { GatewayError } from '../../../src/errors.ts'
import { restreamSchema } from '../../../src/restream/config.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'

interface Connection {
  readonly at: number
  readonly tries: number
  readonly scope: Scope
  live(): void
  end(outcome: Outcome): Promise<void>
}
const scopes: Scope[] = []
afterEach(() => Promise.all(scopes.splice(0).map(scope => scope.close())))

const start = (more: Partial<RetryingOptions> = {}) => {
  const clock = new ManualClock(0)
  const scope = createScope('test')
  scopes.push(scope)
  const connections: Connection[] = []
  const states: string[] = []
  const link = new Retrying({
    scope,
    clock,
    policy: restreamSchema.parse({}).retry,
    random: () => 0.5,
    mayRetry: () => true,
    mayWait: () => true,
    onChange: ({ state }) => states.push(state),
    connect: (attempt, tries, live) => {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      const end = async (outcome: Outcome): Promise<void> => {
        resolve(outcome)
        await settle()
      }
      connections.push({ at: clock.now() / 1e6, tries, scope: attempt, live, end })
      return promise
    },
    ...more,
  })
  link.start()
  return { clock, scope, link, connections, states }
}
const lost = (code: 'connection-lost' | 'refused' = 'connection-lost'): Outcome => ({
  kind: 'lost',
  error: new GatewayError(code, 'gone'),
})
const gone: Outcome = { kind: 'source-gone', reason: { code: 'source-ended', detail: 'OBS stopped' } }

test('a dead destination is tried after 1, 3, 7, 15, 31, 61, 91 s', async () => {
  const { clock, connections } = start()
  while (connections.length < 8) {
    const { length } = connections
    await connections.at(-1)!.end(lost())
    while (connections.length === length) await clock.advanceAsync(100_000)
  }
  expect(connections.map(({ at }) => Math.round(at * 10) / 10)).toEqual([0, 1, 3, 7, 15, 31, 61, 91])
  expect(connections.map(({ tries }) => tries)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test('one connection at a time: the old one is let go before its back-off begins', async () => {
  const { connections, link } = start()
  let released = (): void => undefined
  connections[0]!.scope.defer(
    () =>
      new Promise<void>(resolve => {
        released = resolve
      }),
  )
  connections[0]!.live()
  await connections[0]!.end(lost())
  expect(link.status.state).toBe('live')
  released()
  await settle()
  expect(link.status.state).toBe('backoff')
})

test('a source that came back while the old connection was closing is not missed', async () => {
  const { connections, link } = start()
  connections[0]!.live()
  let released = (): void => undefined
  connections[0]!.scope.defer(
    () =>
      new Promise<void>(resolve => {
        released = resolve
      }),
  )
  await connections[0]!.end(gone)
  link.sourceBack()
  released()
  await settle()
  expect(connections).toHaveLength(2)
  expect(link.status.state).toBe('connecting')
})

test('where it may not wait, the end of the source is its end, and no failure', async () => {
  const { connections, link, scope } = start({ mayWait: () => false })
  connections[0]!.live()
  await connections[0]!.end(gone)
  expect(link.status).toMatchObject({ state: 'ended', lastError: undefined })
  expect(await scope.closed).toMatchObject({ code: 'source-ended' })
})

test('a source that failed is a failure', async () => {
  const { connections, link } = start({ mayWait: () => false })
  const error = new GatewayError('timeout', 'nothing for 15 s')
  await connections[0]!.end({ kind: 'source-gone', reason: { code: 'failed', error } })
  expect(link.status).toMatchObject({ state: 'failed', lastError: error })
})

test('a refusal closes it with the refusal as its reason', async () => {
  const { connections, link, scope, clock } = start()
  await connections[0]!.end(lost('refused'))
  expect(link.status.state).toBe('failed')
  expect((await scope.closed).error).toMatchObject({ code: 'refused' })
  expect(clock.pending).toBe(0)
})

test('closing it while it waits leaves no timer', async () => {
  const { connections, link, scope, clock } = start()
  await connections[0]!.end(lost())
  expect(clock.pending).toBe(1)
  await scope.close({ code: 'unpublished', detail: 'on request' })
  expect(link.status.state).toBe('ended')
  expect(clock.pending).toBe(0)
  expect(connections).toHaveLength(1)
})

test('closing it while it connects ends that connection, whose late outcome changes nothing', async () => {
  const { connections, link, scope } = start()
  const closing = scope.close({ code: 'unpublished' })
  expect(connections[0]!.scope.signal.aborted).toBe(true)
  await connections[0]!.end(lost())
  await closing
  expect(link.status.state).toBe('ended')
})

test('what waits for a source that will not come back ends with its reason', async () => {
  const { connections, link, scope } = start()
  await connections[0]!.end(gone)
  expect(link.status.state).toBe('backoff')
  link.sourceOver({ code: 'failed', detail: 'the pull was refused' })
  expect(link.status.state).toBe('ended')
  expect(await scope.closed).toMatchObject({ detail: 'the pull was refused' })
})

test('what it was lost for is told once: a silence is a timeout', () => {
  const silence = { code: 'timeout', detail: 'rtp 127.0.0.1:5004: nothing came for 10 s' } as const
  expect(lossOf(silence)).toMatchObject({
    code: 'timeout',
    message: 'It took too long: rtp 127.0.0.1:5004: nothing came for 10 s',
  })
  const own = new GatewayError('refused', 'no')
  expect(lossOf({ code: 'failed', error: own })).toBe(own)
  expect(lossOf({ code: 'kicked', detail: 'enough' }).message).toBe('It is closed: kicked: enough')
})
