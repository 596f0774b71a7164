/** Webhooks: in order per stream, again until it works, bounded, counted. */
import { describe, expect, test } from 'vitest'
import type { GatewayEvent } from '../../../src/events/event.ts'
import { webhooksSchema } from '../../../src/hooks/config.ts'
import { Deliveries } from '../../../src/hooks/deliveries.ts'
import type { Posted, PostResult } from '../../../src/hooks/post.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'

const secret = 'a secret of the webhook'
const setup = (config: object = {}) => {
  const clock = new ManualClock()
  const posted: Posted[] = []
  const logged: string[] = []
  let answer: (posted: Posted) => PostResult | Promise<PostResult> = () => ({ status: 204, text: '' })
  const say = (_fields: object, message: string): void => void logged.push(message)
  const log = { child: () => log, debug: say, info: say, warn: say, error: say }
  const [parsed] = webhooksSchema.parse([{ url: 'http://127.0.0.1:1/hook?key=K', secret, ...config }])
  const deliveries = new Deliveries({
    config: parsed!,
    clock,
    log,
    random: () => 0.5,
    post: async one => {
      posted.push(one)
      return answer(one)
    },
  })
  let last = 0
  const push = (stream: string): void => {
    const event: GatewayEvent = { id: `x-${++last}`, time: '', type: 'stream:ready', stream }
    deliveries.push(event)
  }
  const ids = (): string[] => posted.map(({ id }) => id)
  return {
    ...{ clock, posted, logged, deliveries, push, ids },
    answerWith: (next: typeof answer) => {
      answer = next
    },
  }
}
const failing: PostResult = { status: 500, text: '' }

describe('order', () => {
  test("a stream's events go one after the other, as they came", async () => {
    const { push, ids, deliveries } = setup()
    for (let i = 0; i < 5; i++) push('a')
    await settle()
    expect(ids()).toEqual(['x-1', 'x-2', 'x-3', 'x-4', 'x-5'])
    expect(deliveries.counts).toEqual({ delivered: 5, failed: 0, dropped: 0, abandoned: 0 })
    expect(deliveries.waiting).toBe(0)
  })

  test('one that fails holds its own stream and no other', async () => {
    const { push, ids, answerWith, clock } = setup()
    answerWith(({ id }) => (id === 'x-1' ? failing : { status: 200, text: '' }))
    push('a')
    push('a')
    push('b')
    await settle()
    expect(ids()).toEqual(['x-1', 'x-3'])
    answerWith(() => ({ status: 200, text: '' }))
    await clock.advanceAsync(1_100_000)
    expect(ids()).toEqual(['x-1', 'x-3', 'x-1', 'x-2'])
  })

  test('at most eight requests are under way at once, and never two of one stream', async () => {
    const { push, answerWith } = setup()
    const open: (() => void)[] = []
    let most = 0
    answerWith(
      () =>
        new Promise(resolve => {
          open.push(() => resolve({ status: 200, text: '' }))
          most = Math.max(most, open.length)
        }),
    )
    for (let i = 0; i < 20; i++) push(`s${i}`)
    push('s0')
    await settle()
    expect(open).toHaveLength(8)
    while (open.length > 0) {
      open.shift()!()
      await settle()
    }
    expect(most).toBe(8)
  })
})

describe('again', () => {
  test('with growing waits, the same id each time, until it works', async () => {
    const { push, ids, answerWith, clock, deliveries, logged } = setup()
    answerWith(() => ({ status: undefined, failure: 'connect ECONNREFUSED' }))
    push('a')
    const times: number[] = []
    const start = clock.now()
    while (ids().length < 5) {
      const before = ids().length
      await clock.advanceAsync(100_000)
      if (ids().length > before) times.push(Math.round((clock.now() - start) / 1e6))
    }
    expect(times).toEqual([1, 3, 7, 15])
    expect(new Set(ids()).size).toBe(1)
    answerWith(() => ({ status: 200, text: '' }))
    await clock.advanceAsync(20_000_000, 1_000_000)
    expect(deliveries.counts).toMatchObject({ delivered: 1, failed: 5 })
    expect(logged[0]).toBe('webhook: tries again in 1000 ms: connect ECONNREFUSED')
  })

  test('until its tries are used up; then the next of the stream has its turn', async () => {
    const { push, ids, answerWith, clock, deliveries, logged } = setup({ attempts: 3 })
    answerWith(({ id }) => (id === 'x-1' ? failing : { status: 200, text: '' }))
    push('a')
    push('a')
    await clock.advanceAsync(10_000_000)
    expect(ids()).toEqual(['x-1', 'x-1', 'x-1', 'x-2'])
    expect(deliveries.counts).toEqual({ delivered: 1, failed: 3, dropped: 0, abandoned: 1 })
    expect(logged.at(-1)).toBe('webhook: given up: it answered 500')
  })

  test('a redirect is no delivery', async () => {
    const { push, answerWith, deliveries } = setup({ attempts: 1 })
    answerWith(() => ({ status: 302, text: '' }))
    push('a')
    await settle()
    expect(deliveries.counts).toMatchObject({ delivered: 0, abandoned: 1 })
  })
})

describe('bounds', () => {
  test('what finds no room is dropped and counted, and told once', async () => {
    const { push, answerWith, deliveries, logged, clock } = setup({ queue: 10 })
    answerWith(() => failing)
    for (let i = 0; i < 50; i++) push(`s${i % 3}`)
    expect(deliveries.waiting).toBe(10)
    expect(deliveries.counts.dropped).toBe(40)
    expect(logged.filter(line => line.includes('the queue is full'))).toHaveLength(1)
    await settle()
    answerWith(() => ({ status: 200, text: '' }))
    await clock.advanceAsync(2_000_000)
    expect(deliveries.counts.delivered).toBe(10)
    push('s0')
    await settle()
    expect(deliveries.counts.delivered).toBe(11)
  })
})

describe('the end', () => {
  test('what waits is tried at once, once more; what fails is told', async () => {
    const { push, answerWith, deliveries, clock, ids } = setup()
    answerWith(() => failing)
    push('a')
    push('b')
    await settle()
    answerWith(({ id }) => (id === 'x-1' ? { status: 200, text: '' } : failing))
    await deliveries.close(3000)
    expect(ids()).toEqual(['x-1', 'x-2', 'x-1', 'x-2'])
    expect(deliveries.counts).toMatchObject({ delivered: 1, abandoned: 1 })
    expect(clock.pending).toBe(0)
  })
  test('a server that does not answer holds it no longer than the grace time', async () => {
    const { push, answerWith, deliveries, clock, logged } = setup()
    answerWith(() => new Promise(() => undefined))
    push('a')
    await settle()
    const closed = deliveries.close(3000)
    await clock.advanceAsync(3_000_000)
    await closed
    expect(logged.at(-1)).toBe('webhook: not delivered')
  })
  test('after it nothing more goes out, however late the server answers', async () => {
    const { push, answerWith, deliveries, clock, ids } = setup()
    const held: ((result: PostResult) => void)[] = []
    answerWith(() => new Promise(resolve => held.push(resolve)))
    push('a')
    push('a')
    await settle()
    const closed = deliveries.close(3000)
    await clock.advanceAsync(3_000_000)
    await closed
    held[0]!({ status: 204, text: '' })
    await settle()
    expect(ids()).toEqual(['x-1'])
    expect(clock.pending).toBe(0)
  })
})

test('what the section may hold', () => {
  const url = 'https://example.org/hook'
  expect(webhooksSchema.parse([{ url, secret }])[0]).toMatchObject({ events: ['*'], timeoutMs: 5000 })
  expect(() => webhooksSchema.parse([{ url, secret, events: ['stream:gone'] }])).toThrow('no type of event')
  expect(() => webhooksSchema.parse([{ url: 'ftp://x/', secret }])).toThrow()
  expect(() => webhooksSchema.parse([{ url }])).toThrow()
})
