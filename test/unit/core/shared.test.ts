import { describe, expect, test } from 'vitest'
import { Shared } from '../../../src/core/shared.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

const setup = () => {
  const clock = new ManualClock(0)
  const log: string[] = []
  let made = 0
  const shared = new Shared({
    clock,
    lingerUs: 5_000_000,
    open: () => {
      log.push(`open ${++made}`)
      return made
    },
    close: value => void log.push(`close ${value}`),
  })
  return { clock, log, shared }
}

describe('shared', () => {
  test('made by the first, dropped 5 s after the last', () => {
    const { clock, log, shared } = setup()
    expect(log).toEqual([])
    expect([shared.acquire(), shared.acquire()]).toEqual([1, 1])
    shared.release()
    clock.advance(60_000_000)
    shared.release()
    clock.advance(4_999_999)
    expect(log).toEqual(['open 1'])
    clock.advance(1)
    expect(log).toEqual(['open 1', 'close 1'])
    expect(shared.value).toBeUndefined()
  })

  test('who comes back in time finds it as it was', () => {
    const { clock, log, shared } = setup()
    shared.acquire()
    shared.release()
    clock.advance(4_000_000)
    expect(shared.acquire()).toBe(1)
    clock.advance(60_000_000)
    expect(log).toEqual(['open 1'])
  })

  test('a failed open counts nobody, the next one tries again', () => {
    const clock = new ManualClock(0)
    let fails = true
    const shared = new Shared({
      clock,
      lingerUs: 1,
      open: () => {
        if (fails) throw new Error('no')
        return 'made'
      },
      close: () => {},
    })
    expect(() => shared.acquire()).toThrow('no')
    fails = false
    expect(shared.acquire()).toBe('made')
  })

  test('end drops it at once and once; later releases of old users do nothing', () => {
    const { clock, log, shared } = setup()
    shared.acquire()
    shared.end()
    shared.end()
    shared.release()
    clock.advance(60_000_000)
    expect(log).toEqual(['open 1', 'close 1'])
    expect(clock.pending).toBe(0)
  })
})
