/** N light RTMP players in one process: they count bytes and look only for the times that pictures and sounds were sent at. */
import { connect } from 'node:net'
import { allRequests, HANDSHAKE_BYTES, hello } from './dialogue.ts'
import { createHistogram } from './histogram.ts'
import { readStamps } from './marks.ts'

export interface Progress {
  readonly bytes: number
  readonly playing: number
  readonly closed: number
  /** Pictures since the last `reset`, and how long they took from the publisher's write to the player. */
  readonly pictures: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly soundP50Ms: number
  readonly soundP99Ms: number
}

const [port, players] = process.argv.slice(2).map(Number) as [number, number]
/** What is read is looked at before the next is read: all players share one buffer. */
const buffer = Buffer.alloc(256 * 1024)
const latency = createHistogram()
const soundLatency = createHistogram()
let bytes = 0
let playing = 0
let closed = 0

const note = (sent: bigint, isPicture: boolean): void => {
  const times = isPicture ? latency : soundLatency
  times.add(Number(process.hrtime.bigint() - sent) / 1e6)
}

const play = (): void => {
  let received = 0
  const onRead = (size: number): boolean => {
    const before = received
    received += size
    bytes += size
    if (before >= HANDSHAKE_BYTES) readStamps(buffer, size, note)
    else if (received >= HANDSHAKE_BYTES) {
      socket.write(allRequests(port, 'play'))
      playing += 1
    }
    return true
  }
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback: onRead } })
  socket.write(hello())
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed += 1
  })
}

const progress = (): Progress => ({
  bytes,
  playing,
  closed,
  pictures: latency.count(),
  p50Ms: latency.quantile(0.5),
  p99Ms: latency.quantile(0.99),
  maxMs: latency.quantile(1),
  soundP50Ms: soundLatency.quantile(0.5),
  soundP99Ms: soundLatency.quantile(0.99),
})

for (let index = 0; index < players; index += 1) play()
process.on('message', what => {
  process.send?.(progress())
  if (what !== 'reset') return
  latency.reset()
  soundLatency.reset()
})
process.on('disconnect', () => process.exit())
