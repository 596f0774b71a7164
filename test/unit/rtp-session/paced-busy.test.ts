/** Paced sound while the event loop is busy: what lies unread is not taken for missing. */
import { expect, test } from 'vitest'
import type { Clock } from '../../../src/core/types.ts'
import { createPacedAudio } from '../../../src/rtp-session/plain/paced-audio.ts'
import { rtpPacket, START_US } from '../../helpers/voice.ts'

/** A loop whose turns last as long as the test says: timers first, then what came meanwhile, as Node has it. */
const createBusyLoop = () => {
  let now = START_US
  let timer: { readonly atUs: number; readonly run: () => void } | undefined
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    after: (delayUs, run) => {
      const own = { atUs: now + delayUs, run }
      timer = own
      return () => {
        if (timer === own) timer = undefined
      }
    },
  }
  const format = { codec: 'pcmu', clockRate: 8000, channels: 1, payloadType: 0 } as const
  const paced = createPacedAudio(() => ({ write: () => undefined, retarget: () => undefined }), format, clock)
  let next = 0
  const turn = (ms: number, lost: readonly number[] = []): void => {
    if (timer !== undefined && timer.atUs <= now) {
      const { run } = timer
      timer = undefined
      run()
    }
    for (; START_US + next * 20_000 <= now; next++)
      if (!lost.includes(next))
        paced.sink.write(rtpPacket(new Uint8Array(160).fill(0xd5), next, next * 160, now))
    now += ms * 1000
  }
  return { paced, turn }
}

/** What was made up after a second of short turns, in which it learns that sound comes evenly. */
const filledWith = (hiccup: readonly number[], lost: readonly number[] = []): number => {
  const { paced, turn } = createBusyLoop()
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
