import { describe, expect, test } from 'vitest'
import { FanFeed } from '../../../src/core/feed.ts'
import type { Frame } from '../../../src/media/types.ts'
import { packet, picture } from '../../helpers/core-media.ts'

const frames = () => new FanFeed({ form: 'frame' })
const collect = () => {
  const units: Frame[] = []
  return { units, write: (frame: Frame) => void units.push(frame) }
}

describe('feed', () => {
  test('hands the same object to every sink, in the order they were attached', () => {
    const feed = frames()
    const order: string[] = []
    const seen: Frame[] = []
    for (const name of ['a', 'b', 'c'])
      feed.attach({
        write: frame => {
          order.push(name)
          seen.push(frame)
        },
      })
    const frame = picture(0)
    feed.push(frame)
    expect(order).toEqual(['a', 'b', 'c'])
    expect(seen.every(unit => unit === frame)).toBe(true)
    expect(feed.size).toBe(3)
  })

  test('a sink that detaches during dispatch gets nothing more, nor does one it detaches', () => {
    const feed = frames()
    const [first, second] = [collect(), collect()]
    const detach: (() => void)[] = []
    detach.push(
      feed.attach({
        write: frame => {
          first.write(frame)
          for (const run of detach) run()
        },
      }),
    )
    detach.push(feed.attach(second))
    feed.push(picture(0))
    feed.push(picture(1))
    expect([first.units.length, second.units.length, feed.size]).toEqual([1, 0, 0])
  })

  test('a sink attached during dispatch begins with the next unit', () => {
    const feed = frames()
    const late = collect()
    let attached = false
    feed.attach({
      write: () => {
        if (!attached) feed.attach(late)
        attached = true
      },
    })
    feed.push(picture(0))
    expect(late.units).toEqual([])
    feed.push(picture(1))
    expect(late.units.map(({ pts }) => pts)).toEqual([3000])
  })

  test('detaching twice, and while nested, counts once', () => {
    const feed = frames()
    const detach = feed.attach(collect())
    const other = collect()
    feed.attach(other)
    detach()
    detach()
    expect(feed.size).toBe(1)
    feed.push(picture(0))
    expect(other.units.length).toBe(1)
  })

  test('a unit written from within a dispatch reaches everybody', () => {
    const feed = frames()
    const [first, last] = [collect(), collect()]
    feed.attach(first)
    feed.attach({ write: frame => void (frame.pts === 0 && feed.push(picture(1))) })
    feed.attach(last)
    feed.push(picture(0))
    expect(first.units.map(({ pts }) => pts)).toEqual([0, 3000])
    expect(last.units.map(({ pts }) => pts)).toEqual([3000, 0])
  })

  test('a sink that throws is told and let go; the others get every unit', () => {
    const feed = frames()
    const [before, after] = [collect(), collect()]
    const errors: unknown[] = []
    feed.attach(before)
    feed.attach({
      write: () => {
        throw new Error('broken')
      },
      failed: error => void errors.push(error),
    })
    feed.attach(after)
    for (let i = 0; i < 3; i++) feed.push(picture(i))
    expect(errors).toEqual([new Error('broken')])
    expect([before.units.length, after.units.length, feed.size]).toEqual([3, 3, 2])
  })

  test('first and last are told; what the first throws, attach throws and nobody is attached', () => {
    const order: string[] = []
    let fails = true
    const feed = new FanFeed({
      form: 'frame',
      onFirst: () => {
        if (fails) throw new Error('no converter')
        order.push('first')
      },
      onLast: () => void order.push('last'),
    })
    expect(() => feed.attach(collect())).toThrow('no converter')
    expect(feed.size).toBe(0)
    fails = false
    const detach = [feed.attach(collect()), feed.attach(collect())]
    for (const run of detach) run()
    expect(order).toEqual(['first', 'last'])
  })

  test('counts the payload bytes of a unit once for all sinks', () => {
    const feed = frames()
    let seen = 0
    feed.attach({
      write: () => {
        seen = feed.unitBytes
      },
    })
    expect(feed.push(picture(0))).toBe(100)
    expect(seen).toBe(100)
  })

  test('a broken converter tells every sink', () => {
    const feed = frames()
    const told: unknown[] = []
    for (let i = 0; i < 3; i++) feed.attach({ write: () => {}, failed: error => void told.push(error) })
    feed.fail('gone')
    expect(told).toEqual(['gone', 'gone', 'gone'])
    expect(feed.size).toBe(0)
  })
})

describe('retransmission history', () => {
  const fill = (feed: FanFeed<'rtp'>, from: number, to: number) => {
    for (let seq = from; seq < to; seq++) feed.push(packet(seq))
  }

  test('finds the last 1024 packets by unwrapped sequence number', () => {
    const feed = new FanFeed({ form: 'rtp', historyLength: 1024 })
    feed.remember()
    fill(feed, 65_000, 67_000)
    expect(feed.lookup(66_999)?.seq).toBe(66_999)
    expect(feed.lookup(67_000 - 1024)?.seq).toBe(67_000 - 1024)
    expect(feed.lookup(67_000 - 1025)).toBeUndefined()
    expect(feed.lookup(67_000)).toBeUndefined()
  })

  test('a late packet is found, a very late one does not push out a newer one', () => {
    const feed = new FanFeed({ form: 'rtp', historyLength: 1024 })
    feed.remember()
    fill(feed, 0, 5)
    fill(feed, 6, 2000)
    feed.push(packet(5))
    expect(feed.lookup(5)).toBeUndefined()
    expect(feed.lookup(5 + 1024)?.seq).toBe(1029)
  })

  test('it begins when somebody asks for it; there is none of frames', () => {
    const feed = new FanFeed({ form: 'rtp', historyLength: 1024 })
    fill(feed, 0, 5)
    feed.remember()
    fill(feed, 5, 10)
    feed.remember()
    expect(feed.lookup(4)).toBeUndefined()
    expect(feed.lookup(5)?.seq).toBe(5)
    const pictures = frames()
    pictures.remember()
    pictures.push(picture(0))
    expect(pictures.lookup(0)).toBeUndefined()
  })
})
