/** Sends one datagram to each port again and again, 50 times a second each, as that many calls would. */
import { loadNative } from '../../src/native/index.ts'

const TICK_MS = 2
const PACKET_MS = 20

const run = (ports: readonly number[]): void => {
  const pool = loadNative().createUdpPool()
  const calls = ports.map(port => {
    const to = pool.intern('127.0.0.1', port)
    pool.retain(to)
    return { socket: pool.open({ host: '127.0.0.1', port: 0 }), to }
  })
  const bytes = Buffer.alloc(172)
  const started = performance.now()
  let sent = 0
  const before = process.cpuUsage()
  setInterval(() => {
    const wanted = ((performance.now() - started) / PACKET_MS) * calls.length
    for (; sent < wanted; sent++) {
      const call = calls[sent % calls.length]!
      pool.send(call.socket, call.to, bytes)
    }
  }, TICK_MS)
  process.on('message', () => {
    const { user, system } = process.cpuUsage(before)
    process.send!({ sent, cpuUs: user + system })
  })
}

process.once('message', run)
process.once('disconnect', () => process.exit())
