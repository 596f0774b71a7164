import { describe, expect, test } from 'vitest'
import { writeRtcp } from '../../../src/media/rtcp/write.ts'
import { TransportFeedbackRecorder } from '../../../src/rtp-session/transport-feedback.ts'

const take = (recorder: TransportFeedbackRecorder) => recorder.take(1, 2)

describe('transport-wide arrival times', () => {
  test('each packet is told once, holes as holes', () => {
    const recorder = new TransportFeedbackRecorder()
    expect(take(recorder)).toEqual([])
    for (const [seq, at] of [
      [10, 1000],
      [11, 2000],
      [13, 3000],
    ] as const)
      recorder.record(seq, at)
    expect(take(recorder)).toMatchObject([
      { baseSequence: 10, feedbackCount: 0, arrivals: [4, 8, undefined, 12] },
    ])
    expect(take(recorder)).toEqual([])
    recorder.record(14, 4000)
    expect(take(recorder)).toMatchObject([{ baseSequence: 14, feedbackCount: 1, arrivals: [16] }])
  })

  test('a late packet is told again with what lies behind it', () => {
    const recorder = new TransportFeedbackRecorder()
    for (const seq of [1, 3]) recorder.record(seq, 1000)
    take(recorder)
    recorder.record(2, 9000)
    expect(take(recorder)).toMatchObject([{ baseSequence: 2, arrivals: [36, 4] }])
  })

  test('numbers wrap', () => {
    const recorder = new TransportFeedbackRecorder()
    for (const seq of [65_534, 65_535, 0, 1]) recorder.record(seq, 1000)
    const [feedback] = take(recorder)
    expect(feedback).toMatchObject({ baseSequence: 65_534, arrivals: [4, 4, 4, 4] })
  })

  test('times that lie too far apart for one packet make two, and all can be written', () => {
    const recorder = new TransportFeedbackRecorder()
    recorder.record(1, 0)
    recorder.record(2, 20_000_000)
    recorder.record(3, 20_001_000)
    const feedbacks = take(recorder)
    expect(feedbacks.map(({ baseSequence, arrivals }) => [baseSequence, arrivals.length])).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(() => writeRtcp(feedbacks)).not.toThrow()
  })

  test('a jump begins anew instead of reporting thousands of holes', () => {
    const recorder = new TransportFeedbackRecorder()
    recorder.record(1, 0)
    recorder.record(30_000, 1000)
    expect(take(recorder)).toMatchObject([{ baseSequence: 30_000, arrivals: [4] }])
  })
})
