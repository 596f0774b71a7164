/** One contract, two senders: the addon's thread and timers. The kernel's stamps at the receiver are the witness. */
import { readdirSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { createDgramPool } from '../../../src/native/dgram-pool.ts'
import { loadNative } from '../../../src/native/index.ts'
import { toUdpPool } from '../../../src/native/opening.ts'
import { createTimedSender } from '../../../src/native/timed-sender.ts'
import type { PacedSender, UdpPool } from '../../../src/native/types.ts'

const native = loadNative()
const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach(cleanup => void cleanup()))

const nowUs = (): number => performance.now() * 1000
const sleepBlocking = (ms: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

interface Arrival {
  readonly text: string
  readonly atUs: number
  readonly socket: number
  readonly port: number
}

interface Scene {
  readonly pool: UdpPool
  readonly sender: PacedSender
  readonly arrivals: Arrival[]
  readonly from: number
  readonly to: number
  /** Opens another receiving socket: its id and the id of its address. */
  receiver(): { socket: number; to: number }
}

const openScene = (pool: UdpPool, createSender: (pool: UdpPool) => PacedSender): Scene => {
  const sender = createSender(pool)
  cleanups.push(() => {
    sender.close()
    pool.close()
  })
  const arrivals: Arrival[] = []
  pool.onBatch(({ count, slab, offsets, lengths, from, sockets, arrivedUs }) => {
    for (let i = 0; i < count; i++) {
      const text = slab.toString('latin1', offsets[i]!, offsets[i]! + lengths[i]!)
      arrivals.push({ text, atUs: arrivedUs[i]!, socket: sockets[i]!, port: pool.addressOf(from[i]!).port })
    }
  })
  const receiver = () => {
    const socket = pool.open({ host: '127.0.0.1', port: 0 })
    const to = pool.intern('127.0.0.1', pool.addressOfSocket(socket).port)
    pool.retain(to)
    return { socket, to }
  }
  const from = pool.open({ host: '127.0.0.1', port: 0 })
  return { pool, sender, arrivals, from, to: receiver().to, receiver }
}
const openNativeScene = () => openScene(native.createUdpPool(), native.createPacedSender)

describe.each([
  ['the addon', openNativeScene],
  ['timers', () => openScene(toUdpPool(createDgramPool()), createTimedSender)],
] as const)('%s', (_, open) => {
  test('packets leave in the order of their queue, none before its deadline', async () => {
    const { sender, arrivals, from, to } = open()
    const stream = sender.add(from, to)
    const startUs = nowUs() + 20_000
    const dueUs = Array.from({ length: 20 }, (_, i) => startUs + i * 5000)
    dueUs.forEach((due, i) => void expect(sender.queue(stream, due, Buffer.from(`${i}`))).toBe(true))
    expect(sender.queued(stream)).toBe(20)
    await expect.poll(() => arrivals.length).toBe(20)
    expect(arrivals.map(({ text }) => Number(text))).toEqual(dueUs.map((_, i) => i))
    // Half a millisecond of grain, and a millisecond for the clocks of timers.
    arrivals.forEach(({ atUs }, i) => void expect(atUs).toBeGreaterThan(dueUs[i]! - 1600))
    expect(sender.queued(stream)).toBe(0)
    expect(sender.stats()).toMatchObject({ sent: 20, refusedFull: 0, flushed: 0, refusedByKernel: 0 })
  })

  test('what is due leaves at once; an earlier deadline does not overtake', async () => {
    const { sender, arrivals, from, to } = open()
    const stream = sender.add(from, to)
    sender.queue(stream, nowUs() - 1e6, Buffer.from('overdue'))
    await expect.poll(() => arrivals.length).toBe(1)
    expect(sender.stats().late).toBe(1)
    expect(sender.stats().latenessMaxUs).toBeGreaterThanOrEqual(1e6)
    const laterUs = nowUs() + 30_000
    sender.queue(stream, laterUs, Buffer.from('first'))
    sender.queue(stream, 0, Buffer.from('second'))
    await expect.poll(() => arrivals.map(({ text }) => text)).toEqual(['overdue', 'first', 'second'])
    expect(arrivals[2]!.atUs).toBeGreaterThan(laterUs - 1600)
  })

  test('a packet with a nearer deadline on another stream wakes the sender earlier', async () => {
    const { sender, arrivals, from, to } = open()
    const [slow, fast] = [sender.add(from, to), sender.add(from, to)]
    sender.queue(slow, nowUs() + 3_600_000_000, Buffer.from('in an hour'))
    sender.queue(fast, nowUs() + 1000, Buffer.from('now'))
    await expect.poll(() => arrivals.map(({ text }) => text)).toEqual(['now'])
    expect(sender.queued(slow)).toBe(1)
  })

  test('the bytes may be written over as soon as they are queued', async () => {
    const { sender, arrivals, from, to } = open()
    const bytes = Buffer.from('before')
    sender.queue(sender.add(from, to), nowUs() + 5000, bytes)
    bytes.fill(0)
    await expect.poll(() => arrivals.map(({ text }) => text)).toEqual(['before'])
  })

  test('flush drops one stream only, and tells how many; it can be queued to again', async () => {
    const { sender, arrivals, from, to } = open()
    const [a, b] = [sender.add(from, to), sender.add(from, to)]
    const dueUs = nowUs() + 50_000
    for (let i = 0; i < 5; i++) sender.queue(a, dueUs, Buffer.from('dropped'))
    sender.queue(b, dueUs, Buffer.from('kept'))
    expect(sender.flush(a)).toBe(5)
    expect(sender.flush(a)).toBe(0)
    sender.queue(a, dueUs + 5000, Buffer.from('after'))
    await expect.poll(() => arrivals.map(({ text }) => text)).toEqual(['kept', 'after'])
    expect(sender.stats()).toMatchObject({ sent: 2, flushed: 5 })
  })

  test('the queue of a stream is bounded, and what does not fit is counted', () => {
    const { sender, from, to } = open()
    const stream = sender.add(from, to, 3)
    const dueUs = nowUs() + 1e9
    const taken = Array.from({ length: 5 }, () => sender.queue(stream, dueUs, Buffer.alloc(10)))
    expect(taken).toEqual([true, true, true, false, false])
    expect(sender.stats().refusedFull).toBe(2)
    expect(sender.queued(stream)).toBe(3)
  })

  test('a new address is for what is queued from then on', async () => {
    const { sender, arrivals, from, to, receiver } = open()
    const other = receiver()
    const stream = sender.add(from, to)
    const dueUs = nowUs() + 10_000
    sender.queue(stream, dueUs, Buffer.from('old'))
    expect(sender.retarget(stream, other.socket, other.to)).toBe(true)
    sender.queue(stream, dueUs + 1000, Buffer.from('new'))
    await expect.poll(() => arrivals.length).toBe(2)
    expect(arrivals[0]!.text).toBe('old')
    expect(arrivals[0]!.socket).not.toBe(other.socket)
    expect(arrivals[1]).toMatchObject({ text: 'new', socket: other.socket })
  })

  test('a removed stream sends nothing, and its id is nobody else’s', async () => {
    const { sender, arrivals, from, to } = open()
    const gone = sender.add(from, to)
    sender.queue(gone, nowUs() + 20_000, Buffer.from('gone'))
    sender.remove(gone)
    sender.remove(gone)
    const next = sender.add(from, to)
    expect(sender.queue(gone, 0, Buffer.from('ghost'))).toBe(false)
    expect(sender.flush(gone)).toBe(0)
    expect(sender.retarget(gone, from, to)).toBe(false)
    sender.queue(next, nowUs() + 40_000, Buffer.from('alive'))
    await expect.poll(() => arrivals.map(({ text }) => text)).toEqual(['alive'])
  })

  test('a socket closed beneath a stream: counted, others go on', async () => {
    const { pool, sender, arrivals, from, to } = open()
    const doomed = pool.open({ host: '127.0.0.1', port: 0 })
    const [a, b] = [sender.add(doomed, to), sender.add(from, to)]
    const dueUs = nowUs() + 10_000
    sender.queue(a, dueUs, Buffer.from('a'))
    sender.queue(b, dueUs + 1000, Buffer.from('b'))
    pool.closeSocket(doomed)
    const replacement = pool.open({ host: '127.0.0.1', port: 0 })
    await expect.poll(() => arrivals.map(({ text }) => text)).toEqual(['b'])
    expect(arrivals[0]!.port).not.toBe(pool.addressOfSocket(replacement).port)
    expect(sender.stats()).toMatchObject({ sent: 1, refusedByKernel: 1 })
    expect(() => sender.add(doomed, to)).toThrow()
    expect(() => sender.add(from, 99_999)).toThrow('no address')
  })

  test('nothing leaves after close', async () => {
    const { sender, arrivals, from, to, pool } = open()
    const stream = sender.add(from, to)
    sender.queue(stream, nowUs() + 20_000, Buffer.from('never'))
    sender.close()
    sender.close()
    expect(sender.queue(stream, 0, Buffer.from('never'))).toBe(false)
    sleepBlocking(30)
    pool.send(from, to, Buffer.from('end'))
    await expect.poll(() => arrivals.map(({ text }) => text)).toEqual(['end'])
  })

  test('many streams at once: every packet of each, in order', async () => {
    const { sender, arrivals, from, receiver } = open()
    // Ten receivers: none gets more at once than a small buffer holds.
    const addresses = Array.from({ length: 10 }, () => receiver().to)
    const streams = Array.from({ length: 200 }, (_, index) => sender.add(from, addresses[index % 10]!))
    const startUs = nowUs() + 10_000
    for (let i = 0; i < 5; i++) {
      streams.forEach((stream, index) => {
        sender.queue(stream, startUs + i * 10_000 + index * 50, Buffer.from(`${index} ${i}`))
      })
    }
    await expect.poll(() => arrivals.length, { timeout: 5000 }).toBe(1000)
    streams.forEach((_, index) => {
      const own = arrivals.filter(({ text }) => text.startsWith(`${index} `)).map(({ text }) => text)
      expect(own).toEqual([0, 1, 2, 3, 4].map(i => `${index} ${i}`))
    })
    expect(sender.stats().sent).toBe(1000)
  })
})

describe('the addon', () => {
  test('packets leave while the event loop is blocked', async () => {
    const { sender, arrivals, from, to } = openNativeScene()
    const stream = sender.add(from, to)
    const startUs = nowUs() + 10_000
    for (let i = 0; i < 10; i++) sender.queue(stream, startUs + i * 20_000, Buffer.from(`${i}`))
    sleepBlocking(400)
    const freeUs = nowUs()
    await expect.poll(() => arrivals.length).toBe(10)
    // By then a timer would not have sent any. The bench tells how exact it is.
    for (const { atUs } of arrivals) expect(atUs).toBeLessThan(freeUs)
    arrivals.forEach(({ atUs }, i) => void expect(atUs).toBeGreaterThan(startUs + i * 20_000 - 600))
  })

  test('senders leave no thread behind', async () => {
    const threads = (): number => readdirSync('/proc/self/task').length
    const before = threads()
    const scenes = Array.from({ length: 8 }, openNativeScene)
    expect(threads()).toBe(before + 8)
    for (const { sender, from, to } of scenes) {
      sender.queue(sender.add(from, to), nowUs() + 1e9, Buffer.alloc(100))
      sender.close()
    }
    expect(threads()).toBe(before)
  })
})
