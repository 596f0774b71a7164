/** Sound while the event loop is busy: what lies unread is not taken for lost. */
import { expect, test } from 'vitest'
import type { Clock } from '../../../src/core/types.ts'
import { createPcmParams } from '../../../src/media/pcm/parameters.ts'
import { createChain } from '../../../src/transcode/voice/chain.ts'
import { LiveIntake } from '../../../src/transcode/voice/live-intake.ts'
import { rtpPacket, START_US } from '../../helpers/voice.ts'

const pcmu = createPcmParams('pcmu')

/** A loop whose turns last as long as the test says: timers first, then what came meanwhile, as Node has it. */
const createBusyLoop = () => {
  let now = START_US
  let timer: { readonly atUs: number; readonly run: () => void } | undefined
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    after: (delayUs, run) => {
      timer = { atUs: now + delayUs, run }
      return () => {
        timer = undefined
      }
    },
  }
  const frames: Uint8Array[] = []
  const to = { kind: 'audio', codec: 'g722', form: 'frame' } as const
  const intake = new LiveIntake({
    params: pcmu,
    chain: createChain(pcmu, to, undefined, data => void frames.push(data))!,
    clock,
    place: () => undefined,
    damaged: () => undefined,
    failed: error => {
      throw error
    },
  })
  let next = 0
  /** `lost`: packets that never come. The others come every 20 ms. */
  const turn = (ms: number, lost: readonly number[] = []): void => {
    if (timer !== undefined && timer.atUs <= now) {
      const { run } = timer
      timer = undefined
      run()
    }
    for (; START_US + next * 20_000 <= now; next++)
      if (!lost.includes(next))
        intake.take(rtpPacket(new Uint8Array(160).fill(0xd5), next, next * 160, START_US + next * 20_000))
    now += ms * 1000
  }
  return { frames, intake, turn }
}

test.each([5, 25, 60, 150])('turns of %i ms: nothing is made up of what was only read late', ms => {
  const { frames, intake, turn } = createBusyLoop()
  for (let passed = 0; passed < 3000; passed += ms) turn(ms)
  expect(intake.stats).toMatchObject({ concealedMs: 0, silentMs: 0, late: 0, unevennessMs: 0 })
  expect(frames.length).toBeGreaterThan(140)
})

test.each([5, 25, 60])('turns of %i ms: what is lost is made up, and nothing else', ms => {
  const { intake, turn } = createBusyLoop()
  for (let passed = 0; passed < 3000; passed += ms) turn(ms, [20, 50, 51])
  expect(intake.stats).toMatchObject({ concealedMs: 60, late: 0 })
})
