import { describe, expect, test } from 'vitest'
import {
  backoffMs,
  initialStatus,
  isRefusal,
  type LinkEvent,
  type LinkStatus,
  type RetryPolicy,
  reduceLink,
  waitsForSource,
} from '../../../src/bridges/link-state.ts'
import { type ErrorCode, GatewayError } from '../../../src/errors.ts'
import { restreamSchema } from '../../../src/restream/config.ts'

const policy: RetryPolicy = restreamSchema.parse({}).retry
const middle = 0.5
const s = 1_000_000

const lost = (at: number, code: ErrorCode = 'connection-lost', more: object = {}): LinkEvent => ({
  type: 'lost',
  at,
  error: new GatewayError(code, 'it happened'),
  random: middle,
  final: false,
  ...more,
})
const run = (events: readonly LinkEvent[], from: LinkStatus = initialStatus): LinkStatus =>
  events.reduce((status, event) => reduceLink(status, event, policy), from)
const live = (at: number): LinkEvent => ({ type: 'live', at })
const due: LinkEvent = { type: 'due' }

describe('the back-off table', () => {
  test('1, 2, 4, 8, 16, 30, 30 … seconds, and each retry is counted', () => {
    let status = initialStatus
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      const at = i * 100 * s
      status = run([lost(at, 'connect-failed')], status)
      expect(status).toMatchObject({ state: 'backoff', retries: i })
      waits.push((status.nextRetryAt! - at) / s)
      status = run([due], status)
      expect(status).toMatchObject({ state: 'connecting', nextRetryAt: undefined, retries: i + 1 })
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30])
  })

  test('it varies by ±10 %', () => {
    expect(backoffMs(policy, 3, false, 0)).toBe(7200)
    expect(backoffMs(policy, 3, false, 0.999999)).toBeCloseTo(8800, 0)
  })

  test('a connection of 9 s does not reset it, one of 10 s does', () => {
    const twice = run([lost(0), due, lost(2 * s), due])
    const short = run([live(10 * s), lost(19 * s)], twice)
    expect((short.nextRetryAt! - 19 * s) / s).toBe(4)
    const long = run([live(10 * s), lost(20 * s)], twice)
    expect((long.nextRetryAt! - 20 * s) / s).toBe(1)
  })

  test('the time that the other end asks for is kept to', () => {
    const error = new GatewayError('transcode-unavailable', 'the CPU is full', { retryAfterS: 20 })
    const status = run([lost(0, 'refused', { error })])
    expect(status).toMatchObject({ state: 'backoff', nextRetryAt: 20 * s })
  })
})

describe('refusals', () => {
  test.each<ErrorCode>(['refused', 'unauthorized', 'forbidden', 'bad-name', 'untrusted', 'no-common-codec'])(
    '%s at first is final',
    code => {
      expect(run([lost(0, code)])).toMatchObject({ state: 'failed', nextRetryAt: undefined })
    },
  )
  test.each<ErrorCode>(['connect-failed', 'connection-lost', 'closed', 'timeout', 'stream-offline'])(
    '%s is tried again',
    code => {
      expect(isRefusal(new GatewayError(code))).toBe(false)
      expect(run([lost(0, code)]).state).toBe('backoff')
    },
  )
  test('permission that is taken back at once was none', () => {
    expect(run([live(0), lost(1 * s, 'refused')]).state).toBe('failed')
  })
  test('a hang-up soon after permission is tried again, and told with its number; the sixth in a row is a refusal', () => {
    let status = initialStatus
    for (let n = 1; n < 6; n++) {
      status = run([live(n * 100 * s), lost(n * 100 * s + 20_000, 'hung-up')], status)
      expect(status).toMatchObject({ state: 'backoff', lastError: { code: 'hung-up' } })
      expect(status.lastError!.message).toContain(
        `it happened within 3000 ms, ${n} of 6 times in a row until that`,
      )
      status = run([due], status)
    }
    status = run([live(700 * s), lost(702 * s, 'hung-up')], status)
    expect(status).toMatchObject({ state: 'failed', lastError: { code: 'refused' } })
    expect(status.lastError!.message).toMatch(/within 3000 ms, 6 of 6 times in a row: that is a refusal$/)
  })
  test('hang-ups with a connection between them that lasts are never a refusal', () => {
    let status = initialStatus
    for (let n = 0; n < 20; n++) {
      const lives = n % 5 === 4 ? 4 * s : 1 * s
      status = run([live(n * 500 * s), lost(n * 500 * s + lives, 'hung-up'), due], status)
      expect(status.state).toBe('connecting')
    }
  })
  test('who hangs up and has asked for patience, or may not be tried again, is not counted', () => {
    const error = new GatewayError('hung-up', 'later', { retryAfterS: 1 })
    expect(run([lost(0, 'hung-up', { error })])).toMatchObject({
      state: 'backoff',
      hangUps: 0,
      lastError: error,
    })
    expect(run([lost(0, 'hung-up', { final: true })]).lastError).toMatchObject({ code: 'hung-up' })
  })
  test('what was allowed before is asked for again, at long distances', () => {
    const status = run([live(0), lost(60 * s), due, lost(62 * s, 'refused')])
    expect(status.state).toBe('backoff')
    expect((status.nextRetryAt! - 62 * s) / s).toBe(60)
    const again = run([due, lost(200 * s, 'refused')], status)
    expect((again.nextRetryAt! - 200 * s) / s).toBe(120)
  })
  test('without retries every loss is final', () => {
    expect(run([live(0), lost(60 * s, 'connection-lost', { final: true })]).state).toBe('failed')
  })
})

describe('a source that goes and comes', () => {
  const gone: LinkEvent = {
    type: 'source-gone',
    at: 60 * s,
    error: new GatewayError('stream-offline', 'live/cam'),
  }
  test('is waited for without a time, and counts as no retry', () => {
    const waiting = run([live(0), gone])
    expect(waiting).toMatchObject({ state: 'backoff', nextRetryAt: undefined, retries: 0 })
    expect(waitsForSource(waiting)).toBe(true)
    expect(run([due], waiting)).toBe(waiting)
    const back = run([{ type: 'source-back' }], waiting)
    expect(back).toMatchObject({ state: 'connecting', retries: 0 })
    expect(waiting.lastErrorAt).toBe(60 * s)
    const again = run([live(70 * s)], back)
    expect(again).toMatchObject({ state: 'live', lastError: undefined, lastErrorAt: undefined })
  })
  test('coming back does not shorten a back-off', () => {
    const backoff = run([lost(0)])
    expect(run([{ type: 'source-back' }], backoff)).toBe(backoff)
  })
})

test('nothing changes after the end', () => {
  for (const end of [run([lost(0, 'refused')]), run([{ type: 'ended' }])])
    for (const event of [live(1), lost(2), due, { type: 'source-back' } as const])
      expect(reduceLink(end, event, policy)).toBe(end)
})
