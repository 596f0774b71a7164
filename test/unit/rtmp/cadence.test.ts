/** What sound may wait for: pictures that are near, by the clock of those who wait. */
import { expect, test } from 'vitest'
import { Cadence, cadenceOf } from '../../../src/adapters/rtmp/cadence.ts'
import type { OpenTrack, Track } from '../../../src/core/types.ts'
import type { FlvMessage } from '../../../src/flv-session/types.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

const message = (type: 8 | 9, more: Partial<FlvMessage> = {}): FlvMessage => ({
  type,
  timestampMs: 0,
  body: new Uint8Array(1),
  role: 'frame',
  key: false,
  recurs: false,
  ...more,
})
const open = () => {
  const clock = new ManualClock()
  const cadence = new Cadence(clock)
  const pass = (ms: number): void => clock.advance(ms * 1000)
  const picture = (more?: Partial<FlvMessage>): boolean => cadence.mayWait(message(9, more))
  const sound = (more?: Partial<FlvMessage>): boolean => cadence.mayWait(message(8, more))
  /** 20 pictures; then so many milliseconds. */
  const run = (everyMs: number, thenMs: number): void => {
    for (let count = 0; count < 20; count++) {
      pass(everyMs)
      picture()
    }
    pass(thenMs)
  }
  return { cadence, pass, picture, sound, run }
}

test.each([
  [40, 10, false],
  [40, 16, true],
  [40, 60, true], // 20 ms overdue
  [40, 70, false], // 30 ms: who knows when
  [16, 1, true],
  [1000, 500, false],
  [1000, 990, true],
])('a picture every %i ms, the last one %i ms ago: sound may wait: %s', (everyMs, thenMs, expected) => {
  const { run, sound } = open()
  run(everyMs, thenMs)
  expect(sound()).toBe(expected)
})

test('a picture never waits, nor does sound before there were two of them', () => {
  const { picture, sound, pass } = open()
  expect(sound()).toBe(false)
  expect(picture()).toBe(false)
  expect(sound()).toBe(false)
  pass(20)
  expect(picture()).toBe(false)
  expect(sound()).toBe(true)
})

test('all readers of a message get the same answer, and count it once', () => {
  const { cadence, run, sound, pass } = open()
  run(40, 39)
  const [shared, config] = [message(9), message(9, { role: 'config' })]
  for (let reader = 0; reader < 50; reader++) {
    expect(cadence.mayWait(config)).toBe(false)
    expect(cadence.mayWait(shared)).toBe(false)
  }
  pass(10)
  expect(sound()).toBe(false)
  pass(10)
  expect(sound()).toBe(true)
})

test('old messages for a reader that joins do not wait, and say nothing of the next picture', () => {
  const { run, picture, sound, pass } = open()
  run(40, 20)
  for (let count = 0; count < 50; count++) picture({ recurs: true })
  expect(sound({ recurs: true })).toBe(false)
  expect(sound()).toBe(true)
  pass(10)
  expect(sound()).toBe(true)
})

test('the readers of a stream share one; where there is no picture there is none', () => {
  const clock = new ManualClock()
  const track = (kind: Track['kind']) => ({ track: { kind } }) as OpenTrack
  const picture = track('video')
  const cadence = cadenceOf([track('audio'), picture], clock)
  expect(cadence).toBeDefined()
  expect(cadenceOf([picture], clock)).toBe(cadence)
  expect(cadenceOf([track('video')], clock)).not.toBe(cadence)
  expect(cadenceOf([track('audio')], clock)).toBeUndefined()
})
