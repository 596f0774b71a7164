import { expect, test } from 'vitest'
import { createStallWatch, type FlowSample } from '../../../src/bridges/stall.ts'

const s = 1_000_000
const sample = (now: number, offered: number, taken: number, more: object = {}): FlowSample => ({
  now: now * s,
  offered,
  taken,
  ...more,
})

test('bytes that move are no stall', () => {
  const watch = createStallWatch(5000)
  for (let i = 0; i < 100; i++) expect(watch.look(sample(i, i, i * 1000))).toBeUndefined()
})

test('media without a byte for 5 s is one, said with its time', () => {
  const watch = createStallWatch(5000)
  watch.look(sample(0, 1, 1000))
  for (let t = 1; t < 6; t++) expect(watch.look(sample(t, 1 + t, 1000))).toBeUndefined()
  expect(watch.look(sample(6, 7, 1000))).toBe('no byte went out for 5.0 s while the source has media')
})

test('a source without media is no stall, however long', () => {
  const watch = createStallWatch(5000)
  for (let t = 0; t < 60; t++) expect(watch.look(sample(t, 1, 1000))).toBeUndefined()
  // It comes back: its first byte may take a moment.
  expect(watch.look(sample(61, 2, 1000))).toBeUndefined()
  expect(watch.look(sample(62, 3, 2000))).toBeUndefined()
})

test('bytes taken by the system alone, and none acknowledged, are a stall', () => {
  const watch = createStallWatch(5000)
  const at = (t: number, count: number, missing: number) =>
    watch.look(sample(t, t, t * 300_000, { acknowledged: { count, missing, window: 100_000 } }))
  expect(at(0, 10, 50_000)).toBeUndefined()
  for (let t = 1; t <= 5; t++) expect(at(t, 10, 50_000 + t * 300_000)).toBeUndefined()
  expect(at(6, 10, 1_850_000)).toBe('1850000 bytes are not acknowledged, and none was for 5.0 s')
})

test('a slow peer that goes on acknowledging is none', () => {
  const watch = createStallWatch(5000)
  for (let t = 0; t < 60; t++) {
    const acknowledged = { count: t >> 2, missing: 400_000 + t * 1000, window: 100_000 }
    expect(watch.look(sample(t, t, t * 1000, { acknowledged }))).toBeUndefined()
  }
})
