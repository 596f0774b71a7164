/** One contract, two pools: the addon's and node:dgram's. */
import { readdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { createDgramPool } from '../../../src/native/dgram-pool.ts'
import { loadNative } from '../../../src/native/index.ts'
import { toUdpPool } from '../../../src/native/opening.ts'
import { POOL_SLOT_MASK, type PoolSocketOptions, type UdpPool } from '../../../src/native/types.ts'

const native = loadNative()
const opened: UdpPool[] = []
afterEach(() => opened.splice(0).forEach(pool => void pool.close()))

interface Received {
  readonly socket: number
  readonly text: string
  readonly ip: string
  readonly port: number
  readonly arrivedUs: number
}

const collect = (pool: UdpPool): Received[] => {
  const all: Received[] = []
  pool.onBatch(({ count, slab, offsets, lengths, from, sockets, arrivedUs }) => {
    for (let i = 0; i < count; i++) {
      const text = slab.toString('latin1', offsets[i]!, offsets[i]! + lengths[i]!)
      all.push({
        socket: sockets[i]!,
        text,
        arrivedUs: arrivedUs[i]!,
        ...pool.addressOf(from[i]!),
      })
    }
  })
  return all
}

describe.each([
  ['the addon', native.createUdpPool],
  ['node:dgram', () => toUdpPool(createDgramPool())],
])('%s', (_, createPool) => {
  const create = (): UdpPool => {
    const pool = createPool()
    opened.push(pool)
    return pool
  }
  const local = (options: Partial<PoolSocketOptions> = {}): PoolSocketOptions => ({
    host: '127.0.0.1',
    port: 0,
    ...options,
  })
  const portOf = (pool: UdpPool, socket: number): number => pool.addressOfSocket(socket).port
  /** Sends from one socket to another of the same pool. */
  const sendBetween = (pool: UdpPool, from: number, to: number, text: string): boolean =>
    pool.send(from, pool.intern('127.0.0.1', portOf(pool, to)), Buffer.from(text))

  test('500 sockets: each datagram is told with its socket and its source', async () => {
    const pool = create()
    const all = collect(pool)
    const sockets = Array.from({ length: 500 }, () => pool.open(local()))
    expect(pool.size).toBe(500)
    expect(new Set(sockets.map(socket => socket & POOL_SLOT_MASK)).size).toBe(500)
    sockets.forEach(
      (socket, index) => void sendBetween(pool, socket, sockets[(index + 7) % 500]!, `${index}`),
    )
    await expect.poll(() => all.length).toBe(500)
    for (const { socket, text, ip, port } of all) {
      expect(socket).toBe(sockets[(Number(text) + 7) % 500])
      expect({ ip, port }).toEqual({ ip: '127.0.0.1', port: portOf(pool, sockets[Number(text)]!) })
    }
    expect(pool.stats()).toMatchObject({
      received: 500,
      sendErrors: 0,
      sendWouldBlock: 0,
      receiveOverflows: 0,
    })
    await expect.poll(() => pool.stats().sent).toBe(500)
    expect(pool.statsOf(sockets[3]!)).toMatchObject({ received: 1, sent: 1 })
  })

  test('datagrams of one socket keep their order and their boundaries', async () => {
    const pool = create()
    const all = collect(pool)
    const [a, b] = [pool.open(local()), pool.open(local())]
    const lengths = [0, 1, 172, 2048, 2049, 12]
    for (const length of lengths) sendBetween(pool, a, b, 'x'.repeat(length))
    await expect.poll(() => all.at(-1)?.text.length).toBe(12)
    expect(all.map(({ text }) => text.length)).toEqual([0, 1, 172, 2048, 12])
    expect(pool.statsOf(b)).toMatchObject({ received: 5, receiveTruncated: 1 })
  })

  test('many datagrams in one call: each from its socket to its address; those that cannot be sent are marked', async () => {
    const pool = create()
    const all = collect(pool)
    const [a, b, closed] = [pool.open(local()), pool.open(local()), pool.open(local())]
    const toA = pool.intern('127.0.0.1', portOf(pool, a))
    const toB = pool.intern('127.0.0.1', portOf(pool, b))
    pool.closeSocket(closed)
    const slab = Buffer.from('onetwothree')
    const sends = Int32Array.of(a, toB, 0, 3, closed, toB, 0, 3, b, toA, 3, 3, a, toB, 6, 5)
    expect(pool.sendMany(slab, sends, 4)).toBe(3)
    expect([0, 4, 8, 12].map(at => sends[at])).toEqual([a, -1, b, a])
    await expect.poll(() => all.length).toBe(3)
    const portOfA = portOf(pool, a)
    expect(all.filter(({ socket }) => socket === b).map(({ text }) => text)).toEqual(['one', 'three'])
    expect(all.find(({ socket }) => socket === a)).toMatchObject({ text: 'two', port: portOf(pool, b) })
    expect(all.find(({ socket }) => socket === b)).toMatchObject({ port: portOfA })
    expect(pool.stats().sent).toBe(3)
  })

  test('a flood to one socket leaves room for the others', async () => {
    const pool = create()
    const [flooder, flooded, quiet] = [pool.open(local()), pool.open(local()), pool.open(local())]
    let flood = 0
    let heard = false
    pool.onBatch(({ count, sockets }) => {
      for (let i = 0; i < count; i++) {
        if (sockets[i] === quiet) heard = true
        // Each one read puts another in, so the socket never runs dry.
        else if (!heard && ++flood < 1e6) sendBetween(pool, flooder, flooded, 'x')
      }
    })
    for (let i = 0; i < 100; i++) sendBetween(pool, flooder, flooded, 'x')
    sendBetween(pool, flooder, quiet, 'hello')
    await expect.poll(() => heard).toBe(true)
    expect(flood).toBeLessThan(1e6)
  })

  test('timers live under a flood', async () => {
    const pool = create()
    const [a, b] = [pool.open(local()), pool.open(local())]
    let received = 0
    let ticks = 0
    pool.onBatch(({ count }) => {
      received += count
      for (let i = 0; i < count; i++) sendBetween(pool, a, b, 'x')
    })
    for (let i = 0; i < 100; i++) sendBetween(pool, a, b, 'x')
    const timer = setInterval(() => ticks++, 1)
    await expect.poll(() => ticks > 20 && received > 2000, { timeout: 10_000 }).toBe(true)
    clearInterval(timer)
  })

  test('a burst to one of many sockets is all read, in its order', async () => {
    const pool = create()
    const all = collect(pool)
    const sockets = Array.from({ length: 50 }, () => pool.open(local()))
    for (let i = 0; i < 100; i++) sendBetween(pool, sockets[1]!, sockets[0]!, `burst ${i}`)
    for (const socket of sockets) sendBetween(pool, sockets[1]!, socket, 'one')
    await expect.poll(() => all.length).toBe(150)
    const burst = all.filter(({ socket }) => socket === sockets[0]).map(({ text }) => text)
    expect(burst).toEqual([...Array.from({ length: 100 }, (_, i) => `burst ${i}`), 'one'])
  })

  test('a socket closed in a batch: nothing more of it, and its place may be given away at once', async () => {
    const pool = create()
    const [sender, doomed, other] = [pool.open(local()), pool.open(local()), pool.open(local())]
    const seen: number[] = []
    let replacement = -1
    pool.onBatch(({ count, sockets }) => {
      for (let i = 0; i < count; i++) {
        if (sockets[i] === -1) continue
        seen.push(sockets[i]!)
        if (sockets[i] !== doomed) continue
        expect(pool.closeSocket(doomed)).toBe(true)
        replacement = pool.open(local())
      }
    })
    for (let i = 0; i < 20; i++) sendBetween(pool, sender, doomed, 'x')
    sendBetween(pool, sender, other, 'y')
    await expect.poll(() => seen.includes(other)).toBe(true)
    expect(seen.filter(socket => socket === doomed)).toHaveLength(1)
    expect(seen).not.toContain(replacement)
    expect(replacement & POOL_SLOT_MASK).toBe(doomed & POOL_SLOT_MASK)
  })

  test('the id of a closed socket never reaches the one that has its place', async () => {
    const pool = create()
    const all = collect(pool)
    const target = pool.open(local())
    const ids = new Set<number>()
    const to = pool.intern('127.0.0.1', portOf(pool, target))
    for (let i = 0; i < 50; i++) {
      const socket = pool.open(local())
      ids.add(socket)
      expect(pool.closeSocket(socket)).toBe(true)
      expect(pool.closeSocket(socket)).toBe(false)
    }
    const last = pool.open(local())
    expect(ids.size).toBe(50)
    for (const old of ids) {
      expect(old & POOL_SLOT_MASK).toBe(last & POOL_SLOT_MASK)
      expect(pool.send(old, to, Buffer.from('ghost'))).toBe(false)
      expect(() => pool.addressOfSocket(old)).toThrow('no socket')
      expect(() => pool.statsOf(old)).toThrow('no socket')
    }
    expect(pool.send(last, to, Buffer.from('alive'))).toBe(true)
    await expect.poll(() => all.map(({ text }) => text)).toEqual(['alive'])
    expect(pool.size).toBe(2)
  })

  test('an address id is good for each socket, and stays what it is while it is retained', async () => {
    const pool = create()
    const all = collect(pool)
    const [a, b, c] = [pool.open(local()), pool.open(local()), pool.open(local())]
    const toC = pool.intern('127.0.0.1', portOf(pool, c))
    expect(pool.retain(toC)).toBe(true)
    for (let i = 0; i < 20_000; i++) pool.intern(`10.1.${i >> 8}.${i & 255}`, 1000)
    expect(pool.intern('127.0.0.1', portOf(pool, c))).toBe(toC)
    pool.send(a, toC, Buffer.from('from a'))
    pool.send(b, toC, Buffer.from('from b'))
    await expect.poll(() => all.map(({ text }) => text).sort()).toEqual(['from a', 'from b'])
    expect(pool.release(toC)).toBe(true)
    expect(pool.release(toC)).toBe(false)
    expect(() => pool.intern('example.org', 80)).toThrow('is not an address')
    expect(() => pool.addressOf(123_456)).toThrow('no address')
    expect(() => pool.send(a, -1, Buffer.alloc(1))).toThrow('no address')
  })

  test('IPv6, and IPv4 on the address of both families', async () => {
    const pool = create()
    const all = collect(pool)
    const [dual, v4, v6] = [
      pool.open(local({ host: '::' })),
      pool.open(local()),
      pool.open(local({ host: '::1' })),
    ]
    const port = portOf(pool, dual)
    pool.send(v4, pool.intern('127.0.0.1', port), Buffer.from('four'))
    pool.send(v6, pool.intern('::1', port), Buffer.from('six'))
    await expect.poll(() => all.length).toBe(2)
    expect(all.find(({ text }) => text === 'four')).toMatchObject({
      socket: dual,
      ip: '127.0.0.1',
      port: portOf(pool, v4),
    })
    expect(all.find(({ text }) => text === 'six')).toMatchObject({
      socket: dual,
      ip: '::1',
      port: portOf(pool, v6),
    })
    expect(pool.send(v4, pool.intern('::1', port), Buffer.from('x'))).toBe(false)
    expect(pool.statsOf(v4).sendErrors).toBe(1)
    expect(pool.send(dual, pool.intern('127.0.0.1', portOf(pool, v4)), Buffer.from('back'))).toBe(true)
    await expect.poll(() => all.at(-1)).toMatchObject({ socket: v4, text: 'back', port })
  })

  test('what arrived tells when, on the clock of performance.now', async () => {
    const pool = create()
    const all = collect(pool)
    const [a, b] = [pool.open(local()), pool.open(local())]
    const beforeUs = performance.now() * 1000
    sendBetween(pool, a, b, 'first')
    sendBetween(pool, a, b, 'second')
    await expect.poll(() => all.length).toBe(2)
    const afterUs = performance.now() * 1000
    // A hundredth of a millisecond for two clocks that are read one after the other.
    expect(all[0]!.arrivedUs).toBeGreaterThan(beforeUs - 10)
    expect(all[1]!.arrivedUs).toBeGreaterThanOrEqual(all[0]!.arrivedUs)
    expect(all[1]!.arrivedUs).toBeLessThan(afterUs + 10)
  })

  test('multicast: who joined hears the group, each of two on one port, and who did not hears nothing', async () => {
    const pool = create()
    const all = collect(pool)
    const group = '239.255.71.9'
    const first = pool.open({
      host: '0.0.0.0',
      port: 0,
      reuse: true,
      join: { group, interface: '127.0.0.1' },
    })
    const port = portOf(pool, first)
    const loopback = Object.entries(networkInterfaces()).find(([, all]) =>
      all!.some(({ internal }) => internal),
    )![0]
    const second = pool.open({ host: '0.0.0.0', port, reuse: true, join: { group, interface: loopback } })
    pool.open({ host: '0.0.0.0', port, reuse: true, join: { group: '239.255.71.10', interface: loopback } })
    const sender = pool.open(local({ multicast: { interface: '127.0.0.1', ttl: 1 } }))
    expect(pool.send(sender, pool.intern(group, port), Buffer.from('to all'))).toBe(true)
    await expect.poll(() => all.length).toBeGreaterThanOrEqual(2)
    pool.send(sender, pool.intern(group, port), Buffer.from('again'))
    await expect.poll(() => all.filter(({ text }) => text === 'again').length).toBeGreaterThanOrEqual(2)
    const heard = all.filter(({ text }) => text === 'to all').map(({ socket }) => socket)
    expect(heard).toEqual(expect.arrayContaining([first, second]))
    expect(() =>
      pool.open({ host: '0.0.0.0', port: 0, join: { group, interface: 'no-such-interface' } }),
    ).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('no-such-interface') }),
    )
  })

  test('source-specific multicast: only the named sender is heard', async () => {
    const pool = create()
    const all = collect(pool)
    const group = '232.1.1.9'
    const join = { group, interface: '127.0.0.1' }
    const wanted = pool.open({ host: '0.0.0.0', port: 0, join: { ...join, source: '127.0.0.1' } })
    const unwanted = pool.open({ host: '0.0.0.0', port: 0, join: { ...join, source: '127.0.0.9' } })
    const sender = pool.open(local({ multicast: { interface: '127.0.0.1' } }))
    pool.send(sender, pool.intern(group, portOf(pool, unwanted)), Buffer.from('no'))
    pool.send(sender, pool.intern(group, portOf(pool, wanted)), Buffer.from('yes'))
    await expect.poll(() => all.map(({ text }) => text)).toEqual(['yes'])
  })

  test('a port in use, a host that is none and a stranger’s host are refused in the gateway’s terms', () => {
    const pool = create()
    const socket = pool.open(local())
    const refusal = (options: Partial<PoolSocketOptions>, code: string): void =>
      expect(() => pool.open(local(options))).toThrow(expect.objectContaining({ code }))
    refusal({ port: portOf(pool, socket) }, 'port-in-use')
    refusal({ host: '192.0.2.1' }, 'port-in-use')
    refusal({ host: 'localhost' }, 'bad-config')
    expect(pool.size).toBe(1)
    const { port } = pool.addressOfSocket(socket)
    pool.closeSocket(socket)
    expect(portOf(pool, pool.open(local({ port })))).toBe(port)
  })

  test('a pool closed in a batch stays silent; what is closed refuses', async () => {
    const pool = create()
    const [a, b] = [pool.open(local()), pool.open(local())]
    let calls = 0
    pool.onBatch(() => {
      calls++
      pool.close()
    })
    const to = pool.intern('127.0.0.1', portOf(pool, b))
    for (let i = 0; i < 500; i++) pool.send(a, to, Buffer.from('x'))
    await expect.poll(() => calls).toBe(1)
    await new Promise(setImmediate)
    expect(calls).toBe(1)
    expect(pool.size).toBe(0)
    expect(pool.send(a, to, Buffer.from('x'))).toBe(false)
    expect(pool.closeSocket(a)).toBe(false)
    expect(() => pool.open(local())).toThrow()
    pool.close()
  })

  test('counters outlive their sockets', async () => {
    const pool = create()
    const all = collect(pool)
    const [a, b] = [pool.open(local()), pool.open(local())]
    for (let i = 0; i < 5; i++) sendBetween(pool, a, b, 'x')
    await expect.poll(() => all.length).toBe(5)
    await expect.poll(() => pool.stats().sent).toBe(5)
    pool.closeSocket(a)
    pool.closeSocket(b)
    expect(pool.stats()).toMatchObject({ sent: 5, received: 5 })
  })

  test('2000 sockets opened and closed leave no descriptor behind', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length
    const pool = create()
    pool.onBatch(() => undefined)
    const before = descriptors()
    for (let round = 0; round < 10; round++) {
      const sockets = Array.from({ length: 200 }, () => pool.open(local()))
      expect(descriptors()).toBeGreaterThanOrEqual(before + 200)
      for (const socket of sockets) pool.closeSocket(socket)
    }
    await expect.poll(descriptors).toBeLessThanOrEqual(before)
  })
})

describe('the addon', () => {
  test('when a datagram arrived is told as the kernel saw it, however late it is read', async () => {
    const pool = native.createUdpPool()
    opened.push(pool)
    const all = collect(pool)
    const [a, b] = [pool.open({ host: '127.0.0.1', port: 0 }), pool.open({ host: '127.0.0.1', port: 0 })]
    const to = pool.intern('127.0.0.1', pool.addressOfSocket(b).port)
    const block = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
    const sendAndBlock = (): number => {
      pool.send(a, to, Buffer.from('x'))
      const sentUs = performance.now() * 1000
      block()
      return sentUs
    }
    // The kernel begins to stamp a little after the first socket asked for it.
    await expect
      .poll(async () => {
        const blockedUs = sendAndBlock() + 80_000
        await expect.poll(() => all.length).toBeGreaterThan(0)
        return all.splice(0).every(({ arrivedUs }) => arrivedUs < blockedUs)
      })
      .toBe(true)
    const beforeUs = performance.now() * 1000
    const sentUs = [sendAndBlock(), sendAndBlock()]
    await expect.poll(() => all.length).toBe(2)
    expect(all[0]!.arrivedUs).toBeGreaterThan(beforeUs - 10)
    expect(all[0]!.arrivedUs).toBeLessThan(sentUs[0]! + 80_000)
    expect(all[1]!.arrivedUs).toBeGreaterThan(sentUs[0]! + 80_000)
    expect(all[1]!.arrivedUs).toBeLessThan(sentUs[1]! + 80_000)
  })

  test('counts what the kernel dropped because nobody read, for its socket', async () => {
    const pool = native.createUdpPool()
    opened.push(pool)
    const [a, b] = [
      pool.open({ host: '127.0.0.1', port: 0 }),
      pool.open({ host: '127.0.0.1', port: 0, receiveBufferBytes: 8192 }),
    ]
    const to = pool.intern('127.0.0.1', pool.addressOfSocket(b).port)
    for (let i = 0; i < 500; i++) pool.send(a, to, Buffer.alloc(1000))
    const all = collect(pool)
    await expect.poll(() => all.length).toBeGreaterThan(0)
    pool.send(a, to, Buffer.from('end'))
    await expect.poll(() => all.at(-1)?.text).toBe('end')
    const { received, receiveOverflows } = pool.statsOf(b)
    expect(receiveOverflows).toBeGreaterThan(0)
    expect(received + receiveOverflows).toBe(501)
    expect(pool.stats().receiveOverflows).toBe(receiveOverflows)
  })
})
