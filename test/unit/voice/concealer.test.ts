import { describe, expect, test } from 'vitest'
import { Concealer } from '../../../src/media/voice/concealer.ts'
import { createRandom } from '../../helpers/random.ts'

const level = (pcm: Int16Array): number => Math.sqrt(pcm.reduce((sum, s) => sum + s * s, 0) / pcm.length)
/** A voice: harmonics of its pitch, falling. */
const voice = (hertz: number, rate: number) => {
  let at = 0
  return (count: number): Int16Array =>
    Int16Array.from({ length: count }, () => {
      const phase = (2 * Math.PI * hertz * at++) / rate
      return 6000 * Math.sin(phase) + 3000 * Math.sin(2 * phase + 1) + 1500 * Math.sin(3 * phase + 2)
    })
}
const join = (parts: readonly Int16Array[]): Int16Array => Int16Array.from(parts.flatMap(part => [...part]))
/** The largest second difference: a step or a kink in the wave. */
const sharpest = (pcm: Int16Array): number => {
  let most = 0
  for (let i = 2; i < pcm.length; i++)
    most = Math.max(most, Math.abs(pcm[i]! - 2 * pcm[i - 1]! + pcm[i - 2]!))
  return most
}

describe.each([8000, 16_000])('at %i Hz', rate => {
  const block = rate / 50
  test.each([75, 100, 130, 187, 240])(
    'a voice of %i Hz goes on over one lost packet without a click',
    hertz => {
      const speak = voice(hertz, rate)
      const concealer = new Concealer(rate)
      const parts: Int16Array[] = []
      for (let i = 0; i < 20; i++) {
        const pcm = speak(block)
        if (i === 10) parts.push(concealer.conceal(block))
        else {
          concealer.heard(pcm)
          parts.push(pcm)
        }
      }
      expect(level(parts[10]!) / level(parts[9]!)).toBeGreaterThan(0.8)
      expect(level(parts[10]!) / level(parts[9]!)).toBeLessThan(1.1)
      const clean = sharpest(join(parts.slice(0, 10)))
      expect(sharpest(join(parts.slice(9, 13)))).toBeLessThan(clean * 2.5 + 300)
    },
  )

  test('longer gaps fade to the noise of the room, and sound comes back without a click', () => {
    const random = createRandom(6)
    const speak = voice(120, rate)
    const concealer = new Concealer(rate)
    for (let i = 0; i < 50; i++) concealer.heard(Int16Array.from({ length: block }, () => random(41) - 20))
    let last: Int16Array = new Int16Array(0)
    for (let i = 0; i < 10; i++) {
      last = speak(block)
      concealer.heard(last)
    }
    const gap = Array.from({ length: 10 }, () => concealer.conceal(block))
    const levels = gap.map(level)
    expect(levels[1]!).toBeLessThan(levels[0]!)
    expect(levels[2]!).toBeLessThan(levels[1]!)
    for (const quiet of levels.slice(4)) {
      expect(quiet).toBeGreaterThan(3)
      expect(quiet).toBeLessThan(40)
    }
    const back = speak(block)
    const clean = back.slice()
    concealer.heard(back)
    expect(sharpest(join([last, ...gap, back]))).toBeLessThan(sharpest(clean) * 2.5 + 300)
    expect(back.subarray(block / 2)).toEqual(clean.subarray(block / 2))
  })

  test('before anything was heard there is next to nothing', () => {
    expect(Math.max(...new Concealer(rate).conceal(block * 5).map(Math.abs))).toBeLessThan(50)
  })
})
