import { describe, expect, test } from 'vitest'
import { gaugeOf } from '../../../src/core/pressure.ts'
import type { CloseReason, Pressure } from '../../../src/core/types.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

const setup = (pressure: Pressure) => {
  const clock = new ManualClock(1_000_000)
  const state = { backlog: 0 }
  const reasons: CloseReason[] = []
  const gauge = gaugeOf(
    { label: 'viewer', pressure, backlog: () => state.backlog },
    clock,
    reason => void reasons.push(reason),
  )
  return { clock, state, reasons, gauge: gauge! }
}
const toKey: Pressure = { mode: 'drop-to-key', highWater: 1000, giveUpMs: 5000 }

describe('realtime', () => {
  test('measures nothing', () => {
    expect(setup({ mode: 'realtime' }).gauge).toBeUndefined()
  })
})

describe('drop-to-key', () => {
  test('admits up to the limit, then nothing until half of it has drained', () => {
    const { state, gauge } = setup(toKey)
    const admitted = [900, 1000, 1001, 900, 501, 500, 1000].map(backlog => {
      state.backlog = backlog
      return gauge.admits()
    })
    expect(admitted).toEqual([true, true, false, false, false, true, true])
  })

  test('gives up after so many milliseconds without recovery, with the numbers', () => {
    const { clock, state, reasons, gauge } = setup(toKey)
    state.backlog = 1500
    gauge.admits()
    clock.advance(4_999_000)
    gauge.admits()
    expect(reasons).toEqual([])
    clock.advance(1_000)
    expect(gauge.admits()).toBe(false)
    expect(reasons).toEqual([
      { code: 'slow-subscriber', detail: 'viewer was too slow for 5000 ms: 1500 bytes wait, 1000 may' },
    ])
  })

  test('a recovery begins the count anew', () => {
    const { clock, state, reasons, gauge } = setup(toKey)
    for (let i = 0; i < 10; i++) {
      state.backlog = 1500
      gauge.admits()
      clock.advance(4_000_000)
      state.backlog = 0
      gauge.admits()
    }
    expect(reasons).toEqual([])
  })

  test('a burst that was excused is no slowness until it has drained once', () => {
    const { state, gauge } = setup(toKey)
    state.backlog = 5000
    gauge.excuseBacklog()
    state.backlog = 5900
    expect(gauge.admits()).toBe(true)
    state.backlog = 1000
    expect(gauge.admits()).toBe(true)
    state.backlog = 1001
    expect(gauge.admits()).toBe(false)
  })
})

describe('lossless', () => {
  test('asks to wait from half of the limit, fails beyond it', () => {
    const { state, reasons, gauge } = setup({ mode: 'lossless', highWater: 1000 })
    const seen = [0, 500, 501, 1000].map(backlog => {
      state.backlog = backlog
      return [gauge.admits(), gauge.isBehind()]
    })
    expect(seen).toEqual([
      [true, false],
      [true, false],
      [true, true],
      [true, true],
    ])
    expect(reasons).toEqual([])
    state.backlog = 1001
    expect(gauge.admits()).toBe(false)
    expect(reasons).toEqual([
      { code: 'slow-subscriber', detail: 'viewer must lose nothing, but 1001 bytes wait and 1000 may' },
    ])
  })
})
