/** Who may begin: what jobs are thought to need, and what is left of the processor. */
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../../src/errors.ts'
import type { PictureSize, VideoCodec } from '../../../src/media/types.ts'
import { createBudget } from '../../../src/transcode/budget.ts'
import { AUDIO_CORES, videoCores } from '../../../src/transcode/load.ts'

const sizes: Record<string, PictureSize> = {
  '360p': { width: 640, height: 360 },
  '720p': { width: 1280, height: 720 },
  '1080p': { width: 1920, height: 1080 },
  '2160p': { width: 3840, height: 2160 },
}
const cores = (from: VideoCodec, to: 'h264' | 'vp8', size: string, rate?: number): number => {
  const picture = { size: sizes[size], rate }
  return Math.round(videoCores(from, to, picture, picture) * 100) / 100
}

describe('what a job needs', () => {
  test.for([
    ['vp8', 'h264', '360p', 30, 0.19],
    ['vp8', 'h264', '720p', 30, 0.43],
    ['vp8', 'h264', '1080p', 30, 0.84],
    ['vp8', 'h264', '1080p', 60, 1.57],
    ['vp8', 'h264', '2160p', 30, 3.02],
    ['h264', 'h264', '720p', 30, 0.46],
    ['h265', 'h264', '720p', 30, 0.48],
    ['vp9', 'h264', '720p', 30, 0.48],
    ['av1', 'h264', '720p', 30, 0.5],
    ['h264', 'vp8', '720p', 30, 0.37],
  ] as const)('%s → %s %s at %d: %d cores', ([from, to, size, rate, expected]) => {
    expect(cores(from, to, size, rate)).toBe(expected)
  })

  test('unknown size and rate are taken for 720p at 30; no rate above 120 is believed', () => {
    const unknown = { size: undefined, rate: undefined }
    expect(videoCores('vp8', 'h264', unknown, unknown)).toBeCloseTo(0.43, 2)
    expect(cores('vp8', 'h264', '720p', 0)).toBe(0.43)
    expect(cores('vp8', 'h264', '720p', 1e9)).toBe(cores('vp8', 'h264', '720p', 120))
  })

  test('scaled down it costs less', () => {
    const target = { size: sizes['360p'], rate: 30 }
    expect(videoCores('h264', 'h264', { size: sizes['1080p'], rate: 30 }, target)).toBeLessThan(0.3)
  })
})

describe('what is left', () => {
  const refusal = (reserve: () => unknown): GatewayError => {
    try {
      reserve()
    } catch (error) {
      return error as GatewayError
    }
    throw new Error('it was not refused')
  }

  test('a job that does not fit is refused with the numbers; those that run go on', () => {
    const budget = createBudget(1)
    const first = budget.reserve(0.43)
    const second = budget.reserve(0.3)
    const error = refusal(() => budget.reserve(0.43))
    expect(error).toBeInstanceOf(GatewayError)
    expect(error).toMatchObject({ code: 'transcode-unavailable', status: 503 })
    expect(error.detail).toBe('it needs 0.43 of a core, 0.27 of 1.00 left (transcode.cores)')
    expect(refusal(() => budget.reserve(1.57)).detail).toBe(
      'it needs 1.57 cores, 0.27 of 1.00 left (transcode.cores)',
    )
    expect([first.cores, second.cores]).toEqual([0.43, 0.3])
    expect(budget.used).toBeCloseTo(0.73)
  })

  test('what is given back may be used again, once', () => {
    const budget = createBudget(1)
    const job = budget.reserve(0.8)
    job.release()
    job.release()
    expect(budget.used).toBe(0)
    expect(budget.reserve(1).cores).toBe(1)
  })

  test('a running job may come to need more than there is: no new one begins then', () => {
    const budget = createBudget(1)
    const job = budget.reserve(0.4)
    job.change(1.6)
    expect(budget.used).toBeCloseTo(1.6)
    expect(refusal(() => budget.reserve(AUDIO_CORES)).detail).toContain('0.00 of 1.00 left')
    job.change(0.2)
    expect(budget.reserve(0.8).cores).toBe(0.8)
  })

  test('made smaller than what runs needs, it ends nothing and lets nothing begin; made larger, it does', () => {
    const budget = createBudget(2)
    budget.reserve(1.5)
    budget.resize(1)
    expect([budget.cores, budget.used]).toEqual([1, 1.5])
    expect(refusal(() => budget.reserve(0.1)).detail).toContain('0.00 of 1.00 left')
    budget.resize(4)
    expect(budget.reserve(2.5).cores).toBe(2.5)
  })

  test('shares that add up to all of it fit', () => {
    const budget = createBudget(1)
    for (let i = 0; i < 10; i++) budget.reserve(0.1)
    expect(() => budget.reserve(0.01)).toThrow()
  })
})
