/** Paced sound while the event loop is busy: what lies unread is not taken for missing. */
import { expect, test } from 'vitest'
import { createPacedAudio } from '../../../src/rtp-session/plain/paced-audio.ts'
import { createBusyLoop } from '../../helpers/busy-loop.ts'

const createBusyPaced = () => {
  const { clock, turn } = createBusyLoop(
    packet => paced.sink.write(packet),
    (_, readUs) => readUs,
  )
  const format = { codec: 'pcmu', clockRate: 8000, channels: 1, payloadType: 0 } as const
  const paced = createPacedAudio(() => ({ write: () => undefined, retarget: () => undefined }), format, clock)
  return { paced, turn }
}

/** What was made up after a second of short turns, in which it learns that sound comes evenly. */
const filledWith = (hiccup: readonly number[], lost: readonly number[] = []): number => {
  const { paced, turn } = createBusyPaced()
  const shortTurns = (count: number): void => {
    for (let i = 0; i < count; i++) turn(2, lost)
  }
  shortTurns(500)
  const before = paced.stats.filled
  for (let i = 0; i < 5; i++) {
    for (const ms of hiccup) turn(ms, lost)
    shortTurns(200)
  }
  return paced.stats.filled - before
}

const hiccups = [[12], [25], [40], [60], [12, 12], [30, 30], [25, 40, 25], [60, 60]]

test.for(hiccups)('turns of %o ms: nothing is made up of what was only read late', hiccup => {
  expect(filledWith(hiccup)).toBe(0)
})

test.for(hiccups)('turns of %o ms: what is lost is made up, and nothing else', hiccup => {
  expect(filledWith(hiccup, [70, 110, 111])).toBe(3)
})
