/** The page's verdict on a stream looks at both sides: what comes, and where it goes. */
import { expect, test } from 'vitest'
import type { LegView, StreamView, SubscriberView, TrackView } from '../../../src/web/page/api.ts'
import { judge } from '../../../src/web/page/health.ts'

const leg = (to: string, more: Partial<LegView> = {}): LegView => ({
  ...{ to, state: 'live', waiting: null, lastError: null, lastErrorAt: null, retries: 0, nextRetryAt: null },
  ...{ plan: null, bytes: 1, profile: null, preflight: [], peer: null },
  ...more,
})
const reader = (id: string, slow: number, waiting = 0): SubscriberView => ({
  id,
  label: `rtmp ${id}`,
  stats: { dropped: slow + waiting, droppedBy: { slow, 'waiting-for-key': waiting } },
})
const video: TrackView = {
  ...{ id: 'video', kind: 'video', codec: 'h264' },
  stats: { bitsPerSecond: 1e6, framesPerSecond: 30, damage: {} },
}
const stream = (more: Partial<StreamView> = {}): StreamView => ({
  ...{ name: 'live/cam', state: 'ready', viewers: 0, tracks: [video] },
  ...more,
})
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString()

test('all destinations live, nobody slow', () => {
  const view = stream({ legs: [leg('a'), leg('b')], subscribers: [reader('1', 3)] })
  expect(judge(view, view)).toEqual({ tone: 'good', words: 'Healthy' })
})

test('a destination that is connecting for the first time is none of the trouble', () => {
  expect(judge(stream({ legs: [leg('a', { state: 'connecting' })] }), undefined).tone).toBe('good')
})

test('a destination in back-off is named with its try and its time', () => {
  const away = leg('rtmp://a/live/***', {
    ...{ state: 'backoff', retries: 3, nextRetryAt: inSeconds(5.5), lastError: 'ECONNREFUSED' },
  })
  expect(judge(stream({ legs: [leg('b'), away] }), undefined)).toEqual({
    tone: 'bad',
    words: 'rtmp://a/live/*** not reached, try 4 in 6 s',
  })
})

test('of several the one that has failed is named, with how many get nothing', () => {
  const legs = [
    leg('a', { state: 'connecting', retries: 2 }),
    leg('b', { state: 'failed', retries: 1, lastError: 'BadName' }),
    leg('c'),
  ]
  expect(judge(stream({ legs }), undefined)).toEqual({
    tone: 'bad',
    words: 'b failed after 1 retry (BadName); 2 of 3 destinations get nothing',
  })
})

test('the reader that is given least is named, with its number', () => {
  const before = stream({ subscribers: [reader('1', 3), reader('2', 0), reader('3', 0, 5)] })
  const now = stream({ subscribers: [reader('1', 5), reader('2', 24, 8), reader('3', 0, 9), reader('4', 7)] })
  expect(judge(now, before)).toEqual({
    tone: 'poor',
    words: '2 of 4 readers too slow: 24 dropped in the last seconds for rtmp 2',
  })
})

test('a lost publisher is worse than all, a failed destination worse than a slow reader', () => {
  const legs = [leg('a', { state: 'failed' })]
  const before = stream({ subscribers: [reader('1', 0)] })
  const now = stream({ legs, subscribers: [reader('1', 9)] })
  expect(judge(now, before).words).toBe('a failed after 0 retries')
  const waiting = { reason: 'source-lost', leftMs: 4200 }
  expect(judge({ ...now, waiting }, before).words).toBe('Publisher lost, kept for 5 s more')
})
