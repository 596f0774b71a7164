import { describe, expect, test } from 'vitest'
import { fileName, isTemplate } from '../../../src/recordings/file-name.ts'
import { chooseEvictions, type KeptFile } from '../../../src/recordings/retention.ts'

const dayMs = 86_400_000
const nowMs = 1_000 * dayMs
const file = (name: string, ageDays: number, bytes: number, open = false): KeptFile => ({
  name,
  bytes,
  modifiedMs: nowMs - ageDays * dayMs,
  open,
})
const none = { maxBytes: 0, maxAgeDays: 0, minFreeBytes: 0 }
const names = (files: readonly KeptFile[], limits: Partial<typeof none>, free = 1e12): string[] =>
  chooseEvictions(files, { ...none, ...limits }, nowMs, free).map(eviction => eviction.file.name)

const four = [file('b', 3, 100), file('a', 9, 100), file('d', 1, 100), file('c', 2, 100)]

describe('which recordings go', () => {
  test.each([
    ['nothing without limits', four, {}, 1e12, []],
    ['nothing at the limit', four, { maxBytes: 400 }, 1e12, []],
    ['the oldest until the rest fits', four, { maxBytes: 250 }, 1e12, ['a', 'b']],
    ['all that are too old', four, { maxAgeDays: 2.5 }, 1e12, ['a', 'b']],
    ['the oldest until the disk has room', four, { minFreeBytes: 150 }, 20, ['a', 'b']],
    ['what age frees counts for the other limits', four, { maxAgeDays: 5, maxBytes: 300 }, 1e12, ['a']],
  ] as const)('%s', (_what, files, limits, free, gone) => {
    expect(names(files, limits, free)).toEqual(gone)
  })

  test('an open file counts and never goes, however old', () => {
    const files = [file('open', 9, 300, true), file('a', 5, 100), file('b', 1, 100)]
    expect(names(files, { maxBytes: 350, maxAgeDays: 4 })).toEqual(['a', 'b'])
  })

  test('each says why, with the numbers of that moment', () => {
    const limits = { maxBytes: 250, maxAgeDays: 7, minFreeBytes: 0 }
    expect(chooseEvictions(four, limits, nowMs, 1e12).map(({ why }) => why)).toEqual([
      '9.0 days old, at most 7 are kept',
      'the oldest, as all have 300 bytes of at most 250',
    ])
    const [evicted] = chooseEvictions(four, { ...none, minFreeBytes: 60 }, nowMs, 20)
    expect(evicted?.why).toBe('the oldest, as the disk has 20 bytes left of at least 60')
  })
})

describe('names of recordings', () => {
  test('fields are filled in, in UTC, without a colon', () => {
    const at = new Date('2026-11-20T22:10:05.123Z')
    expect(fileName('{stream}/{date}T{time}Z.flv', 'live/cam', at)).toBe(
      'live/cam/2026-11-20T22-10-05.123Z.flv',
    )
  })
  test.each(['{stream}.flv', '{time}.mp4', '{time}{host}.flv', 'a.flv'])('%s is no template', text => {
    expect(isTemplate(text)).toBe(false)
  })
})
