import { describe, expect, test } from 'vitest'
import { createRegistry } from '../../../src/core/registry.ts'
import { judgeTakeOver } from '../../../src/core/take-over.ts'
import type { PublishOptions } from '../../../src/core/types.ts'
import { picture, vp8 } from '../../helpers/core-media.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

describe('who may take whose place', () => {
  test.each([
    ['same credentials, active', 'mine', 'mine', 10, 2000, true],
    ['same credentials, and nobody else ever', 'mine', 'mine', 10, 0, true],
    ['other credentials, active', 'mine', 'yours', 1999, 2000, false],
    ['other credentials, silent', 'mine', 'yours', 2000, 2000, true],
    ['other credentials, silent, turned off', 'mine', 'yours', 99_999, 0, false],
    ['no credentials, active', undefined, undefined, 1999, 2000, false],
    ['no credentials, silent', undefined, undefined, 2000, 2000, true],
    ['none against some, active', 'mine', undefined, 0, 2000, false],
  ])('%s', (_, credential, next, silentMs, afterMs, takesOver) => {
    expect(judgeTakeOver({ label: 'a', credential, silentMs }, next, afterMs)).toMatchObject({ takesOver })
  })
})

const setup = (takeOverAfterMs = 2000) => {
  const clock = new ManualClock()
  const continuity = () => ({ graceMs: 0, graceOnUnpublish: false, takeOverAfterMs })
  const registry = createRegistry({ clock, freeze: true, continuity })
  const publish = (label: string, rest: Partial<PublishOptions> = {}) =>
    registry.publish('live/cam', { label, onConflict: 'as-allowed', ...rest })
  const write = (publication: ReturnType<typeof publish>) => {
    const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    publication.ready()
    return (i: number) => video.write({ ...picture(i), arrival: clock.now() })
  }
  return { clock, registry, publish, write }
}

describe('a name that is held', () => {
  test('by one that sends: refused with the numbers and when to come back, and it is not disturbed', () => {
    const { clock, publish, write } = setup()
    const first = publish('rtmp 1', { credential: 'mine' })
    const send = write(first)
    send(0)
    clock.advance(1_500_000)
    expect(() => publish('whip 2', { credential: 'yours' })).toThrow(
      expect.objectContaining({
        code: 'name-taken',
        retryAfterS: 2,
        message: expect.stringMatching(
          /live\/cam by rtmp 1 was heard 1500 ms ago; others may replace it after 2000 ms of silence/,
        ),
      }),
    )
    expect(first.signal.aborted).toBe(false)
  })

  test('by the same publisher, whatever the protocol: at once', async () => {
    const { registry, publish, write } = setup()
    const first = publish('rtmp 1', { credential: 'mine' })
    write(first)(0)
    publish('whip 2', { credential: 'mine' })
    expect(await first.closed).toMatchObject({ code: 'replaced' })
    expect(registry.find('live/cam')?.publisher).toBe('whip 2')
  })

  test('by one that is connected and frozen: after the silence, and never while it sends', () => {
    const { clock, registry, publish, write } = setup()
    const send = write(publish('rtmp 1', { credential: 'mine' }))
    for (let i = 0; i < 100; i++) {
      send(i)
      clock.advance(100_000)
      expect(() => publish('rtmp 2', { credential: 'yours' })).toThrow(/heard 100 ms ago/)
    }
    clock.advance(1_899_000)
    expect(() => publish('rtmp 2', { credential: 'yours' })).toThrow(/heard 1999 ms ago/)
    clock.advance(1_000)
    publish('rtmp 2', { credential: 'yours' })
    expect(registry.find('live/cam')?.publisher).toBe('rtmp 2')
  })

  test('by one that has just come and sent nothing yet: it has its time, too', () => {
    const { clock, publish } = setup()
    publish('rtmp 1', { credential: 'mine' })
    clock.advance(1_999_000)
    expect(() => publish('rtmp 2', { credential: 'yours' })).toThrow(/heard 1999 ms ago/)
  })

  test('the silence of the one before does not count against the one that has taken over', () => {
    const { clock, publish, write } = setup()
    write(publish('rtmp 1', { credential: 'mine' }))(0)
    clock.advance(5_000_000)
    const second = publish('rtmp 2', { credential: 'yours' })
    second.addTrack({ id: 'video', native: 'frame', params: vp8 })
    clock.advance(500_000)
    expect(() => publish('rtmp 3')).toThrow(/heard 500 ms ago/)
  })

  test('signs of life that are no media count where the protocol has some', () => {
    const { clock, publish, write } = setup()
    let seen = 0
    write(publish('whip 1', { credential: 'mine', lastSeenUs: () => seen }))(0)
    clock.advance(60_000_000)
    seen = clock.now() - 300_000
    expect(() => publish('whip 2')).toThrow(/heard 300 ms ago/)
  })

  test('when nobody may ever be displaced the answer says so', () => {
    const { clock, publish } = setup(0)
    publish('rtmp 1', { credential: 'mine' })
    clock.advance(60_000_000)
    expect(() => publish('rtmp 2')).toThrow(/only the same credentials may replace it/)
  })

  test('one whose signal has ended already does not displace anybody', () => {
    const { publish } = setup()
    const first = publish('rtmp 1', { credential: 'mine' })
    const signal = AbortSignal.abort({ code: 'timeout' })
    expect(() => publish('rtmp 2', { credential: 'mine', signal })).toThrow(/closed/)
    expect(first.signal.aborted).toBe(false)
  })
})
