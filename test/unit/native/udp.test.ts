/** One contract, two sockets: the addon's and node:dgram's. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openDgramUdp } from '../../../src/native/dgram-udp.ts'
import { loadNative } from '../../../src/native/index.ts'
import type { UdpSocket, UdpSocketOptions } from '../../../src/native/types.ts'

const native = loadNative()
const opened: UdpSocket[] = []
afterEach(() => opened.splice(0).forEach(socket => void socket.close()))

interface Received {
  readonly text: string
  readonly ip: string
  readonly port: number
  readonly id: number
}
const collect = (socket: UdpSocket): Received[] => {
  const all: Received[] = []
  socket.onBatch(batch => {
    for (let i = 0; i < batch.count; i++) {
      const start = batch.offsets[i]!
      const text = batch.slab.toString('latin1', start, start + batch.lengths[i]!)
      all.push({ text, id: batch.from[i]!, ...socket.addressOf(batch.from[i]!) })
    }
  })
  return all
}

describe.each([
  ['the addon', native.openUdp],
  ['node:dgram', openDgramUdp],
])('%s', (_, openUdp) => {
  const open = (options: Partial<UdpSocketOptions> = {}): UdpSocket => {
    const socket = openUdp({ host: '127.0.0.1', port: 0, ...options })
    opened.push(socket)
    return socket
  }

  test('tells its port and the buffers that the kernel granted', () => {
    const socket = open({ receiveBufferBytes: 300_000, sendBufferBytes: 200_000 })
    expect(socket.host).toBe('127.0.0.1')
    expect(socket.port).toBeGreaterThan(0)
    expect(socket.receiveBufferBytes).toBeGreaterThanOrEqual(300_000)
    expect(socket.sendBufferBytes).toBeGreaterThanOrEqual(200_000)
  })

  test('sends and receives one and many, and answers to where it came from', async () => {
    const [a, b] = [open(), open()]
    const [atA, atB] = [collect(a), collect(b)]
    const toB = a.intern('127.0.0.1', b.port)
    expect(a.send(toB, Buffer.from('one'))).toBe(true)
    expect(
      a.sendMany(
        toB,
        Array.from({ length: 200 }, (_, index) => Buffer.from(`${index}`)),
      ),
    ).toBe(200)
    await expect.poll(() => atB.length).toBe(201)
    expect(atB.map(datagram => datagram.text)).toEqual([
      'one',
      ...Array.from({ length: 200 }, (_, i) => `${i}`),
    ])
    expect(atB[0]).toMatchObject({ ip: '127.0.0.1', port: a.port })
    expect(new Set(atB.map(datagram => datagram.id)).size).toBe(1)
    b.send(atB[0]!.id, Buffer.from('back'))
    await expect.poll(() => atA.length).toBe(1)
    expect(atA[0]).toMatchObject({ text: 'back', port: b.port, id: toB })
    expect(b.stats()).toMatchObject({ received: 201, receiveTruncated: 0, sendErrors: 0 })
    await expect.poll(() => a.stats().sent).toBe(201)
  })

  test('the caller may write into the bytes as soon as they are sent', async () => {
    const [a, b] = [open(), open()]
    const atB = collect(b)
    const bytes = Buffer.from('before')
    a.send(a.intern('127.0.0.1', b.port), bytes)
    bytes.fill(0)
    await expect.poll(() => atB.map(datagram => datagram.text)).toEqual(['before'])
  })

  test('keeps datagram boundaries, empty ones too, and drops what is larger than a slot', async () => {
    const [a, b] = [open(), open()]
    const atB = collect(b)
    const toB = a.intern('127.0.0.1', b.port)
    a.sendMany(toB, [Buffer.alloc(2048, 65), Buffer.alloc(0), Buffer.alloc(2049, 66), Buffer.from('end')])
    await expect.poll(() => atB.at(-1)?.text).toBe('end')
    expect(atB.map(datagram => datagram.text.length)).toEqual([2048, 0, 3])
    expect(b.stats()).toMatchObject({ received: 3, receiveTruncated: 1 })
  })

  test('speaks IPv6, and IPv4 on the dual-stack address, under plain names', async () => {
    const dual = open({ host: '::' })
    const [v4, v6] = [open(), open({ host: '::1' })]
    const all = collect(dual)
    v4.send(v4.intern('127.0.0.1', dual.port), Buffer.from('four'))
    v6.send(v6.intern('::1', dual.port), Buffer.from('six'))
    await expect.poll(() => all.length).toBe(2)
    expect(all.find(datagram => datagram.text === 'four')).toMatchObject({ ip: '127.0.0.1', port: v4.port })
    expect(all.find(datagram => datagram.text === 'six')).toMatchObject({ ip: '::1', port: v6.port })
    const atV4 = collect(v4)
    expect(dual.send(dual.intern('127.0.0.1', v4.port), Buffer.from('back'))).toBe(true)
    await expect.poll(() => atV4.length).toBe(1)
    expect(v4.send(v4.intern('::1', dual.port), Buffer.from('x'))).toBe(false)
    expect(v4.stats().sendErrors).toBe(1)
  })

  test('an address has one id while it is retained, whatever flood of others comes', () => {
    const socket = open()
    const peer = socket.intern('10.0.0.1', 5000)
    expect(socket.retain(peer)).toBe(true)
    const seen = new Set<number>()
    for (let count = 0; count < 50_000; count++) {
      seen.add(socket.intern(`10.1.${count >> 8}.${count & 255}`, 1000 + (count % 7)))
    }
    expect(seen.has(peer)).toBe(false)
    expect(Math.max(...seen)).toBeLessThan(5000)
    expect(socket.intern('10.0.0.1', 5000)).toBe(peer)
    expect(socket.addressOf(peer)).toEqual({ ip: '10.0.0.1', port: 5000 })
    expect(socket.release(peer)).toBe(true)
    expect(socket.release(peer)).toBe(false)
    for (let count = 0; count < 5000; count++) socket.intern('10.2.0.1', 1 + count)
    expect(socket.addressOf(peer)).not.toEqual({ ip: '10.0.0.1', port: 5000 })
    expect(socket.retain(1_000_000)).toBe(false)
  })

  test('an address that is seen again stays, one that is not goes', () => {
    const socket = open()
    const [used, unused] = [socket.intern('10.0.0.1', 1), socket.intern('10.0.0.2', 2)]
    for (let count = 0; count < 4500; count++) {
      socket.intern('10.3.0.1', 1 + count)
      expect(socket.intern('10.0.0.1', 1)).toBe(used)
    }
    expect(socket.addressOf(unused)).not.toEqual({ ip: '10.0.0.2', port: 2 })
  })

  test('what is no address throws', () => {
    const socket = open()
    for (const [ip, port] of [
      ['example.org', 80],
      ['127.0.0.1', 0],
      ['127.0.0.1', 70_000],
      ['', 1],
    ] as const) {
      expect(() => socket.intern(ip, port)).toThrow('is not an address')
    }
    expect(() => socket.addressOf(12345)).toThrow('no address')
    expect(() => socket.send(-1, Buffer.alloc(1))).toThrow('no address')
  })

  test('a port in use throws, and a closed one is free at once', () => {
    const socket = open()
    expect(() => open({ port: socket.port })).toThrow(/in use|EADDRINUSE/)
    socket.close()
    socket.close()
    expect(open({ port: socket.port }).port).toBe(socket.port)
    expect(socket.send(socket.intern('127.0.0.1', 9), Buffer.alloc(1))).toBe(false)
  })

  test('a listener may close its socket in the middle of a batch', async () => {
    const [a, b] = [open(), open()]
    let calls = 0
    b.onBatch(() => {
      calls++
      b.close()
    })
    const toB = a.intern('127.0.0.1', b.port)
    for (let count = 0; count < 10; count++) a.sendMany(toB, Array(64).fill(Buffer.from('x')))
    await expect.poll(() => calls).toBe(1)
    await new Promise(setImmediate)
    expect(calls).toBe(1)
  })

  test('random datagrams arrive as they are', async () => {
    const [a, b] = [open(), open()]
    const atB = collect(b)
    const sent = Array.from({ length: 100 }, (_, index) =>
      Buffer.from(Array.from({ length: (index * 37) % 1400 }, (_, at) => (at * index) & 0xff)),
    )
    a.sendMany(a.intern('127.0.0.1', b.port), sent)
    await expect.poll(() => atB.length).toBe(100)
    expect(atB.map(datagram => datagram.text)).toEqual(sent.map(bytes => bytes.toString('latin1')))
  })

  test('timers live under a flood', async () => {
    const [a, b] = [open(), open()]
    const toB = a.intern('127.0.0.1', b.port)
    const batch = Array(64).fill(Buffer.alloc(100))
    let received = 0
    let ticks = 0
    b.onBatch(got => {
      received += got.count
      // Each batch read puts another one in, so the socket never runs dry.
      a.sendMany(toB, batch.slice(0, got.count))
    })
    a.sendMany(toB, [...batch, ...batch, ...batch])
    const timer = setInterval(() => ticks++, 1)
    await expect.poll(() => ticks > 20 && received > 2000, { timeout: 10_000 }).toBe(true)
    clearInterval(timer)
  })
})

describe('the addon', () => {
  test('counts what the kernel dropped because nobody read', async () => {
    const [a, b] = [
      native.openUdp({ host: '127.0.0.1', port: 0 }),
      native.openUdp({ host: '127.0.0.1', port: 0, receiveBufferBytes: 8192 }),
    ]
    opened.push(a, b)
    const toB = a.intern('127.0.0.1', b.port)
    const sent = a.sendMany(toB, Array(500).fill(Buffer.alloc(1000)))
    const atB = collect(b)
    await expect.poll(() => atB.length).toBeGreaterThan(0)
    // The next datagram brings the count.
    a.send(toB, Buffer.from('end'))
    await expect.poll(() => atB.at(-1)?.text).toBe('end')
    const { received, receiveOverflows } = b.stats()
    expect(receiveOverflows).toBeGreaterThan(0)
    expect(received + receiveOverflows).toBe(sent + 1)
  })

  test('a host that is no address is a matter of configuration, a port in use is one of its own', () => {
    expect(() => native.openUdp({ host: 'localhost', port: 0 })).toThrow(
      expect.objectContaining({ code: 'bad-config' }),
    )
    const socket = native.openUdp({ host: '127.0.0.1', port: 0 })
    opened.push(socket)
    expect(() => native.openUdp({ host: '127.0.0.1', port: socket.port })).toThrow(
      expect.objectContaining({
        code: 'port-in-use',
        message: expect.stringContaining(`port ${socket.port}`),
      }),
    )
  })

  const run = async (script: string) => {
    const door = join(import.meta.dirname, '../../../src/native/index.ts')
    const setup = `const { loadNative } = await import(${JSON.stringify(door)})
      const native = loadNative()
      const a = native.openUdp({ host: '127.0.0.1', port: 0 })
      const b = native.openUdp({ host: '127.0.0.1', port: 0 })
      const hello = () => a.send(a.intern('127.0.0.1', b.port), Buffer.from('hello'))\n`
    const child = spawn(process.execPath, ['--input-type=module', '-e', setup + script])
    let text = ''
    child.stdout.on('data', (data: Buffer) => {
      text += data
    })
    child.stderr.on('data', (data: Buffer) => {
      text += data
    })
    const [code, signal] = await once(child, 'close')
    return { code, signal, text }
  }

  test('a listener’s error is an uncaught exception, and the socket reads on', async () => {
    const { code, text } = await run(`
      process.on('uncaughtException', error => { console.log('caught', error.message); hello() })
      let calls = 0
      b.onBatch(() => { if (++calls === 1) throw new Error('mine'); console.log('again'); a.close(); b.close() })
      hello()`)
    expect([code, text]).toEqual([0, 'caught mine\nagain\n'])
  })

  test('nobody to catch it: the process ends with it', async () => {
    const { code, text } = await run(`b.onBatch(() => { throw new Error('mine') })\nhello()`)
    expect(code).toBe(1)
    expect(text).toContain('Error: mine')
  })

  test('closed sockets keep no process alive', async () => {
    expect(
      await run(`b.onBatch(() => { a.close(); b.close() }); a.onBatch(() => {}); hello()`),
    ).toMatchObject({
      code: 0,
      signal: null,
    })
  })

  test('a process, and a worker, may end while sockets are open', async () => {
    expect(await run(`b.onBatch(() => process.exit(7)); hello()`)).toMatchObject({ code: 7, signal: null })
    const door = JSON.stringify(join(import.meta.dirname, '../../../src/native/index.ts'))
    const inWorker = `import(${door}).then(({ loadNative }) => {
      const s = loadNative().openUdp({ host: '127.0.0.1', port: 0 }); s.onBatch(() => {})
      loadNative().openUdp({ host: '127.0.0.1', port: 0 })
      return import('node:worker_threads') }).then(({ parentPort }) => parentPort.postMessage('open'))`
    const script = `a.close(); b.close()
      const { Worker } = await import('node:worker_threads')
      const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true })
      worker.once('message', async () => { await worker.terminate(); console.log('ended') })`
    expect(await run(script)).toEqual({ code: 0, signal: null, text: 'ended\n' })
  })
})
