/** What sound may wait for: pictures that are near, by the clock of those who wait. */
import { expect, test } from 'vitest'
import { Cadence, cadenceOf } from '../../../src/adapters/rtmp/cadence.ts'
import { createRtmpEgress, type RtmpEgressOptions } from '../../../src/adapters/rtmp/egress.ts'
import { createTrackClock } from '../../../src/core/track-clock.ts'
import type { EgressSink, OpenTrack, Sink, Track } from '../../../src/core/types.ts'
import type { FlvMessage } from '../../../src/flv-session/types.ts'
import type { Frame } from '../../../src/media/types.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { aacFrames, h264Frames } from '../../helpers/media-fixtures.ts'

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

test('a sound track that comes later goes by the pictures that were there before', () => {
  const clock = new ManualClock()
  const waits: (boolean | undefined)[] = []
  const egress = createRtmpEgress({
    ...{ label: 'late', clock, streamId: 1, role: 'play', fourCcs: [] },
    connection: { write: (_bytes: Uint8Array, mayWait?: boolean) => void waits.push(mayWait) },
    pressure: { mode: 'realtime' },
    onOpen: () => undefined,
    onClose: () => undefined,
  } as unknown as RtmpEgressOptions)
  const [pictures, sounds] = [h264Frames('h264-baseline'), aacFrames('aac-48000-mono')]
  const open = (frames: readonly Frame[]): ((frame: Frame) => void) => {
    const { params } = frames[0]!
    const times = createTrackClock(90_000, { originWall: undefined }, { offset: undefined })
    const track = { kind: params.kind, params, clock: times } as unknown as Track
    const [end] = egress.open([{ track } as OpenTrack]) as readonly EgressSink[]
    return frame => (end!.sink as Sink<Frame>).write(frame)
  }
  const [show, sound] = [open(pictures), open(sounds)]
  for (const picture of pictures.slice(0, 10)) {
    clock.advance(40_000)
    show(picture)
  }
  clock.advance(30_000)
  sound(sounds[0]!)
  expect(waits.at(-1)).toBe(true)
})
