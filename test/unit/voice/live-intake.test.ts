/** Sound while the event loop is busy: what lies unread is not taken for lost. */
import { expect, test } from 'vitest'
import { createPcmParams } from '../../../src/media/pcm/parameters.ts'
import { createChain } from '../../../src/transcode/voice/chain.ts'
import { LiveIntake } from '../../../src/transcode/voice/live-intake.ts'
import { createBusyLoop } from '../../helpers/busy-loop.ts'

const pcmu = createPcmParams('pcmu')

const createBusyIntake = () => {
  const { clock, turn } = createBusyLoop(
    packet => intake.take(packet),
    cameUs => cameUs,
  )
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
  return { frames, intake, turn }
}

test.each([5, 25, 60, 150])('turns of %i ms: nothing is made up of what was only read late', ms => {
  const { frames, intake, turn } = createBusyIntake()
  for (let passed = 0; passed < 3000; passed += ms) turn(ms)
  expect(intake.stats).toMatchObject({ concealedMs: 0, silentMs: 0, late: 0, unevennessMs: 0 })
  expect(frames.length).toBeGreaterThan(140)
})

test.each([5, 25, 60])('turns of %i ms: what is lost is made up, and nothing else', ms => {
  const { intake, turn } = createBusyIntake()
  for (let passed = 0; passed < 3000; passed += ms) turn(ms, [20, 50, 51])
  expect(intake.stats).toMatchObject({ concealedMs: 60, late: 0 })
})
