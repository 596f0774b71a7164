/** The viewers of the fan-out bench: sockets that read and count, in a process of their own. */
import { loadNative } from '../../src/native/index.ts'

const native = loadNative()
const sockets = Array.from({ length: Number(process.argv[2]) }, () => {
  const socket = native.openUdp({ host: '127.0.0.1', port: 0, receiveBufferBytes: 256 * 1024 })
  socket.onBatch(() => {})
  return socket
})

process.on('message', () => {
  const received = sockets.reduce((sum, socket) => sum + socket.stats().received, 0)
  process.send?.({ received })
  for (const socket of sockets) socket.close()
  process.disconnect()
})
process.send?.({ ports: sockets.map(socket => socket.port) })
