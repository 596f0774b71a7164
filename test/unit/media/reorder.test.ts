/** Which B-frames may be left out. */
import { describe, expect, test } from 'vitest'
import { createDtsEstimator } from '../../../src/media/dts.ts'
import { createH265Params } from '../../../src/media/h265/parameters.ts'
import { createBFrameFilter } from '../../../src/media/reorder.ts'
import type { Frame } from '../../../src/media/types.ts'
import { av1Frames, frameOf, h264Frames, h265Frames, vp9Frames } from '../../helpers/media-fixtures.ts'

const verdicts = (frames: readonly Frame[]): string => {
  const filter = createBFrameFilter()
  return frames.map(frame => filter.push(frame)[0]).join('')
}
const passed = (frames: readonly Frame[]): number[] => {
  const filter = createBFrameFilter()
  return frames.filter(frame => filter.push(frame) === 'pass').map(frame => frame.pts)
}
const isRising = (times: readonly number[]): boolean =>
  times.every((time, i) => i === 0 || time > times[i - 1]!)

describe('B-frame filter', () => {
  test('three B-frames that nothing refers to: all of them go, the rest is in order', () => {
    const frames = h264Frames('h264-bframes')
    expect(verdicts(frames)).toMatch(/^ppdddpdddpdddp/)
    expect(verdicts(frames)).not.toContain('i')
    expect(isRising(passed(frames))).toBe(true)
    expect(passed(frames).length).toBe(10)
  })

  test('B-pyramid: the middle B-frame is a reference, so it is illegal', () => {
    expect(verdicts(h264Frames('h264-bpyramid'))).toMatch(/^ppi/)
  })

  test('B-pyramid of H.265', () => {
    expect(verdicts(h265Frames())).toMatch(/^ppi/)
  })

  test.each([
    ['h264 baseline', () => h264Frames('h264-baseline')],
    ['vp9', vp9Frames],
    ['av1', av1Frames],
  ])('%s passes whole', (_, load) => {
    expect(verdicts(load())).toMatch(/^p+$/)
  })

  test('a P-frame that nothing refers to passes when it is ahead', () => {
    const params = h264Frames('h264-baseline')[0]!.params
    const frame = (nal: number, pts: number, key = false): Frame =>
      frameOf(params, [Uint8Array.of(nal, 0x9a)], { pts, dts: pts, key })
    expect(
      verdicts([frame(0x65, 0, true), frame(0x01, 1), frame(0x41, 2), frame(0x01, 2), frame(0x01, 3)]),
    ).toBe('pppdp')
  })

  test('h265: a non-reference picture of a lower temporal layer may be referred to from above', () => {
    const layers = (count: number): Frame['params'] => ({
      ...createH265Params([], [], []),
      sps: Uint8Array.of(0x42, 0x01, (count - 1) << 1),
    })
    const frame = (type: number, temporalId: number, pts: number, count: number): Frame =>
      frameOf(layers(count), [Uint8Array.of(type << 1, temporalId + 1, 0xd0)], { pts, key: type > 15 })
    expect(verdicts([frame(19, 0, 0, 2), frame(1, 0, 4, 2), frame(0, 0, 2, 2)])).toBe('ppi')
    expect(verdicts([frame(19, 0, 0, 2), frame(1, 0, 4, 2), frame(2, 1, 2, 2)])).toBe('ppd')
    expect(verdicts([frame(19, 0, 0, 1), frame(1, 0, 4, 1), frame(0, 0, 2, 1)])).toBe('ppd')
  })

  test('a key frame passes when the time line begins anew', () => {
    const frames = h264Frames('h264-bframes')
    expect(verdicts([...frames, ...frames])).toBe(verdicts(frames).repeat(2))
  })
})

describe('decode times from presentation times', () => {
  test.each([
    [0, [0, 3, 6], [0, 3, 6]],
    [1, [0, 9, 3, 6, 18, 12, 15], [-1, 0, 3, 6, 9, 12, 15]],
    [2, [0, 12, 6, 3, 9, 24, 18], [-2, -1, 0, 3, 6, 9, 12]],
  ])('depth %i: %j → %j', (depth, pts, expected) => {
    const estimator = createDtsEstimator(depth)
    expect(pts.map(time => estimator.push(time))).toEqual(expected)
  })

  test('never goes back, whatever comes', () => {
    const estimator = createDtsEstimator(2, 5)
    expect([0, 1, 2, 3, 100, 4, 200].map(time => estimator.push(time))).toEqual([5, 5, 5, 5, 5, 5, 5])
  })
})
