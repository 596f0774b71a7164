/** Many UDP sockets read as one, and packets sent at their deadlines while the event loop is blocked again and again. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadNative } from '../../src/native/index.ts'
import type { PacedSender, UdpPool } from '../../src/native/types.ts'
import { type Bench, countOption, type Row } from './bench.ts'
import { createHistogram } from './parts/histogram.ts'
import { endChild, pause } from './parts/servers.ts'

const PACKET_US = 20_000
const BLOCKED_MS = 30
/** Packets wait this long, so that a blocked event loop runs no stream dry. */
const AHEAD_US = 80_000
const HOST = { host: '127.0.0.1', port: 0 }
/** Sockets of each end; streams share them. */
const SOCKETS = 100

const nowUs = (): number => performance.now() * 1000
const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

const measureReceive = async (sockets: number, seconds: number): Promise<Row> => {
  const pool = loadNative().createUdpPool()
  const ports = Array.from({ length: sockets }, () => pool.addressOfSocket(pool.open(HOST)).port)
  let [received, batches] = [0, 0]
  pool.onBatch(({ count }) => {
    received += count
    batches++
  })
  const sender = fork(join(import.meta.dirname, 'pacing-child.ts'))
  try {
    sender.send(ports)
    await pause(1000)
    const [first, firstBatches, before] = [received, batches, process.threadCpuUsage()]
    await pause(seconds * 1000)
    const { user, system } = process.threadCpuUsage(before)
    const packets = received - first
    sender.send('tell')
    const [told] = (await once(sender, 'message')) as [{ sent: number; cpuUs: number }]
    return {
      name: 'receive',
      sockets,
      packetsPerSecond: packets / seconds,
      packetsPerBatch: packets / (batches - firstBatches),
      cpuUsPerPacket: (user + system) / packets,
      sendCpuUsPerPacket: told.cpuUs / told.sent,
      overflows: pool.stats().receiveOverflows,
    }
  } finally {
    await endChild(sender)
    pool.close()
  }
}

/** Nanoseconds on a processor of the thread that sends. */
const senderThreadNs = (): number => {
  const tasks = readdirSync('/proc/self/task').map(task => `/proc/self/task/${task}`)
  const own = tasks.find(task => readFileSync(`${task}/comm`, 'utf8').trim() === 'paced-sender')!
  return Number(readFileSync(`${own}/schedstat`, 'utf8').split(' ')[0])
}

interface Gaps {
  readonly errors: ReturnType<typeof createHistogram>
}

/** How far each gap between two packets of a stream, as the kernel of the receiver saw them, is from 20 ms. */
const watchGaps = (pool: UdpPool, streams: number): Gaps => {
  const errors = createHistogram()
  const lastUs = new Float64Array(streams)
  pool.onBatch(({ count, slab, offsets, arrivedUs }) => {
    for (let i = 0; i < count; i++) {
      const stream = slab.readUInt32BE(offsets[i]!)
      const atUs = arrivedUs[i]!
      if (lastUs[stream]! > 0) errors.add(Math.abs(atUs - lastUs[stream]! - PACKET_US) / 1000)
      lastUs[stream] = atUs
    }
  })
  return { errors }
}

const openStreams = (pool: UdpPool, sender: PacedSender, count: number): readonly number[] => {
  const ends = Array.from({ length: SOCKETS }, () => {
    const to = pool.intern('127.0.0.1', pool.addressOfSocket(pool.open(HOST)).port)
    pool.retain(to)
    return { from: pool.open(HOST), to }
  })
  return Array.from({ length: count }, (_, index) => {
    const { from, to } = ends[index % SOCKETS]!
    return sender.add(from, to)
  })
}

const measureSend = async (count: number, seconds: number): Promise<Row> => {
  const pool = loadNative().createUdpPool()
  const sender = loadNative().createPacedSender(pool)
  const streams = openStreams(pool, sender, count)
  const { errors } = watchGaps(pool, count)
  const startUs = nowUs() + 10_000
  const dueUs = streams.map((_, index) => startUs + (index * PACKET_US) / count)
  const bytes = Buffer.alloc(172)
  let queueUs = 0
  while (nowUs() < startUs + seconds * 1e6) {
    const beforeUs = nowUs()
    streams.forEach((stream, index) => {
      bytes.writeUInt32BE(index)
      for (; dueUs[index]! < beforeUs + AHEAD_US; dueUs[index]! += PACKET_US)
        sender.queue(stream, dueUs[index]!, bytes)
    })
    queueUs += nowUs() - beforeUs
    block(BLOCKED_MS)
    await new Promise(setImmediate)
  }
  const threadNs = senderThreadNs()
  const { sent, late, latenessP50Us, latenessP99Us, latenessMaxUs } = sender.stats()
  sender.close()
  pool.close()
  return {
    name: 'send',
    streams: count,
    packetsPerSecond: sent / seconds,
    gapErrorP50Ms: errors.quantile(0.5),
    gapErrorP99Ms: errors.quantile(0.99),
    gapErrorMaxMs: errors.quantile(1),
    latenessP50Us,
    latenessP99Us,
    latenessMaxUs,
    late,
    queueUsPerPacket: queueUs / sent,
    threadUsPerPacket: threadNs / 1000 / sent,
  }
}

export const bench: Bench = async options => {
  const [streams, seconds] = [countOption(options, 'streams', 1000), countOption(options, 'seconds', 5)]
  return [await measureReceive(streams, seconds), await measureSend(streams, seconds)]
}
