/** What ffmpeg is told of pictures: arguments, marks in their times, bytes. */
import { describe, expect, test } from 'vitest'
import type { Accept } from '../../../src/core/types.ts'
import { splitAnnexB } from '../../../src/media/nal.ts'
import { transcodeCost } from '../../../src/transcode/cost.ts'
import { codecDataOf, h264Units, toBitstream } from '../../../src/transcode/video/bitstream.ts'
import { markTime, unmarkTime, withoutMarks } from '../../../src/transcode/video/marks.ts'
import { createPictureTimeline } from '../../../src/transcode/video/picture-timeline.ts'
import { videoArguments } from '../../../src/transcode/video/recipe.ts'
import { describeTarget, videoTarget } from '../../../src/transcode/video/target.ts'
import { aac, h264, vp8, vp9 } from '../../helpers/core-media.ts'
import { h264Frames, h265Frames } from '../../helpers/media-fixtures.ts'

const to = (more: Partial<Accept> = {}): Accept => ({ kind: 'video', codec: 'h264', form: 'frame', ...more })
const hd = { width: 1280, height: 720 }
const options = { rate: 90_000, decoder: 'vp8', version: '5.1.9' }

describe('what is made of what', () => {
  test('H.264 and VP8 of any video, nothing of sound, sound of nothing', () => {
    for (const from of [h264, h265Frames()[0]!.params, vp8, vp9]) {
      expect(transcodeCost(from, to())).toBeLessThan(transcodeCost(from, to({ codec: 'vp8' }))!)
      expect(transcodeCost(from, to({ codec: 'av1' }))).toBeUndefined()
      expect(transcodeCost(from, { kind: 'audio', codec: 'aac', form: 'frame' })).toBeUndefined()
    }
    expect(transcodeCost(aac, to())).toBeUndefined()
  })

  test.for([
    [hd, to(), 30, 'h264 1280x720 high 2765 kbit/s', 1],
    [hd, to({ reordered: false }), 30, 'h264 1280x720 baseline 2765 kbit/s', 1],
    [hd, to({ profileLevelId: '42e01f' }), 30, 'h264 1280x720 baseline 2765 kbit/s', 1],
    [hd, to(), undefined, 'h264 1280x720 high 2765 kbit/s', 1],
    [hd, to({ size: { width: 640, height: 360 } }), 30, 'h264 640x360 high 691 kbit/s', 1],
    [{ width: 1920, height: 1080 }, to(), 60, 'h264 1920x1080 high 12000 kbit/s', 3],
    [{ width: 321, height: 181 }, to({ codec: 'vp8' }), 15, 'vp8 320x180 300 kbit/s', 1],
  ] as const)('%j → %j at %s: %s', ([size, accept, rate, said, threads]) => {
    const target = videoTarget(size, accept, rate)
    expect(describeTarget(target)).toBe(said)
    expect(target.threads).toBe(threads)
  })

  test('what is no target is refused with a code', () => {
    expect(() => videoTarget(hd, to({ codec: 'av1' }), 30)).toThrow(
      expect.objectContaining({ code: 'transcode-unavailable' }),
    )
  })
})

describe('arguments', () => {
  const make = (accept: Accept, version = '5.1.9'): string =>
    videoArguments(hd, videoTarget(hd, accept, 30), { ...options, version }).join(' ')

  test('pipes only, formats forced, nothing from outside', () => {
    for (const accept of [to(), to({ reordered: false }), to({ codec: 'vp8' }), to({ size: hd })]) {
      expect(make(accept)).toMatch(/ -protocol_whitelist pipe .* -f nut -i pipe:0 .* -f nut pipe:1$/)
      expect(make(accept)).toMatch(/^[\w\s:=,.+()*'-]+$/)
      expect(make(accept)).not.toContain('low_delay')
    }
  })

  test('no B-frames, no look-ahead, baseline where browsers watch', () => {
    expect(make(to({ reordered: false }))).toContain('-tune zerolatency -profile:v baseline')
    expect(make(to())).toContain('-tune zerolatency -profile:v high')
    expect(make(to({ codec: 'vp8' }))).toContain('-lag-in-frames 0 -auto-alt-ref 0')
  })

  test('scaled only where the size differs, with borders where it is locked', () => {
    expect(make(to())).not.toContain('scale')
    expect(make(to({ size: hd }))).toContain(
      'scale=1280:720:force_original_aspect_ratio=decrease,pad=1280:720',
    )
    const odd = { width: 427, height: 241 }
    expect(videoArguments(odd, videoTarget(odd, to(), 30), options).join(' ')).toContain('scale=426:240 ')
  })

  test.for([
    ['4.4.2-0ubuntu0.22.04.1', '-vsync'],
    ['5.0.1', '-vsync'],
    ['5.1.9-0+deb12u1', '-fps_mode'],
    ['n6.1', '-fps_mode'],
    ['8.0', '-fps_mode'],
    ['N-109468-gd39b34123d', '-fps_mode'],
  ])('ffmpeg %s: %s', ([version, option]) => {
    expect(make(to(), version)).toContain(`${option} passthrough`)
  })
})

test('marks ride on times and come off again, also behind a lossy clock', () => {
  for (const pts of [0, 1, -7, 900_000, 2 ** 40])
    for (const force of [false, true])
      for (const skip of [false, true]) {
        const at = markTime(pts, { force, skip })
        expect([unmarkTime(at + 0.2), unmarkTime(at - 0.2)].every(found => found === pts)).toBe(true)
        expect(withoutMarks(at) === pts * 4).toBe(true)
      }
})

test('pictures keep their times; one that comes too late is left out', () => {
  const line = createPictureTimeline()
  expect([5, 3, 5, 6, 90_000].map(pts => line.place(pts, 0)?.pts)).toEqual([
    5,
    undefined,
    undefined,
    6,
    90_000,
  ])
  line.reset()
  expect(line.place(1, 0)).toEqual({ pts: 1, discontinuity: false })
})

describe('bytes', () => {
  const [frame] = h264Frames('h264-baseline')

  test('parameter sets go before a picture where they are wanted', () => {
    const { params, units } = frame!
    if (params.codec !== 'h264') throw new Error('no H.264')
    expect(splitAnnexB(toBitstream(frame!, true))).toEqual([params.sps, ...params.pps, ...units])
    expect(splitAnnexB(toBitstream(frame!, false))).toEqual(units)
    expect(splitAnnexB(codecDataOf(params))).toEqual([params.sps, ...params.pps])
  })

  test('and are no units of what comes out', () => {
    expect(h264Units(toBitstream(frame!, true))).toEqual(frame!.units)
  })

  test('one packet of VP8 is itself', () => {
    const data = Uint8Array.of(1, 2, 3)
    expect(toBitstream({ ...frame!, params: vp8, units: [data] }, true)).toEqual(data)
    expect(codecDataOf(vp8)).toHaveLength(0)
  })
})
