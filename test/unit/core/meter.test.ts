import { describe, expect, test } from 'vitest'
import { Meter } from '../../../src/core/meter.ts'
import { packet, picture } from '../../helpers/core-media.ts'

describe('meter', () => {
  test('counts units, bytes, rates and the key frame interval of frames', () => {
    const meter = new Meter('frame')
    for (let i = 0; i < 150; i++) meter.count(picture(i, undefined, 60), 100)
    expect(meter).toMatchObject({ units: 150, bytes: 15_000, keyframeIntervalMs: 2000 })
    expect(meter.framesPerSecond).toBeCloseTo(30, 0)
    expect(meter.bitsPerSecond).toBeGreaterThan(23_000)
    expect(meter.bitsPerSecond).toBeLessThan(25_000)
  })

  test('counts pictures of packets by their markers', () => {
    const meter = new Meter('rtp')
    for (let seq = 0; seq < 450; seq++) meter.count(packet(seq, 3), 100)
    expect(meter.units).toBe(450)
    expect(meter.framesPerSecond).toBeCloseTo(30, 0)
    expect(meter.keyframeIntervalMs).toBe(1000)
  })
})
