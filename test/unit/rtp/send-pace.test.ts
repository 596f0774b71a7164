import { describe, expect, test } from 'vitest'
import { SendPace } from '../../../src/adapters/rtp/send-pace.ts'

const PACKET = 1200
const FRAME_US = 33_333

interface Departure {
  readonly at: number
  readonly bytes: number
  readonly frame: number
}

/** Each frame comes at once, as a packetiser hands it out; on a clock that only this moves. */
const run = (frames: readonly number[], pace = new SendPace()): Departure[] =>
  frames.flatMap((bytes, frame) =>
    Array.from({ length: Math.ceil(bytes / PACKET) }, (_, i) => {
      const size = Math.min(PACKET, bytes - i * PACKET)
      return { at: pace.due(size, frame * 3000, frame * FRAME_US), bytes: size, frame }
    }),
  )

/** The most that leaves within any `us`. */
const mostWithin = (departures: readonly Departure[], us: number): number => {
  let [most, sum, from] = [0, 0, 0]
  departures.forEach(({ at, bytes }) => {
    sum += bytes
    while (at - departures[from]!.at > us) sum -= departures[from++]!.bytes
    most = Math.max(most, sum)
  })
  return most
}
const lastOf = (departures: readonly Departure[], frame: number): number =>
  departures.filter(departure => departure.frame === frame).at(-1)!.at - frame * FRAME_US

describe('pacing of key frames', () => {
  /** 1 MB a second apart, 20 KB between: 13 Mbit/s. */
  const film = Array.from({ length: 120 }, (_, i) => (i % 30 === 0 ? 1_000_000 : 20_000))

  test('a key frame of 1 MB at 30 fps never puts 64 KB on the wire within 5 ms', () => {
    const departures = run(film)
    expect(mostWithin(departures, 5000)).toBeLessThan(65_536)
    // Without a pace all of it would.
    expect(
      mostWithin(
        departures.map(({ frame, ...rest }) => ({ ...rest, frame, at: frame * FRAME_US })),
        5000,
      ),
    ).toBe(1_000_000)
  })

  test('order is kept, nothing leaves before it came', () => {
    const departures = run(film)
    expect(departures.every(({ at, frame }) => at >= frame * FRAME_US)).toBe(true)
    expect(departures.every(({ at }, i) => i === 0 || at >= departures[i - 1]!.at)).toBe(true)
  })

  test('known key frames are out in little more than a tenth of a second, and what follows catches up', () => {
    const departures = run(film)
    expect(lastOf(departures, 60)).toBeLessThan(130_000)
    expect(lastOf(departures, 75)).toBeLessThan(10_000)
    expect(lastOf(departures, 0)).toBeLessThan(400_000)
  })

  test('frames of an ordinary call are not held back at all', () => {
    const pace = new SendPace()
    const departures = run(Array(300).fill(6000), pace)
    expect(departures.every(({ at, frame }) => at === frame * FRAME_US)).toBe(true)
    expect([pace.held, pace.longestUs]).toEqual([0, 0])
  })

  test('a stream that is faster than the highest rate is not held up for good', () => {
    const pace = new SendPace()
    const departures = run(Array(600).fill(500_000), pace)
    expect(lastOf(departures, 599)).toBeLessThan(200_000)
    expect(pace.held).toBeGreaterThan(0)
  })
})
