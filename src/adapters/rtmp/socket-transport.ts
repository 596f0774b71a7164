import type { Socket } from 'node:net'
import type { Clock } from '../../core/types.ts'
import type { Transport } from './connection.ts'

/** How long a peer may take to fetch our last words. */
const LINGER_US = 2_000_000

/** Sockets written to in this turn of the event loop: their messages leave together, in one system call each. */
const corked: Socket[] = []

const uncorkAll = (): void => {
  for (const socket of corked) socket.uncork()
  corked.length = 0
}

const cork = (socket: Socket): void => {
  if (socket.writableCorked > 0) return
  if (corked.length === 0) setImmediate(uncorkAll)
  corked.push(socket)
  socket.cork()
}

export const createSocketTransport = (socket: Socket, clock: Clock): Transport => ({
  write: bytes => {
    if (!socket.writable) return
    cork(socket)
    socket.write(bytes)
  },
  backlog: () => socket.writableLength,
  pause: () => void socket.pause(),
  resume: () => void socket.resume(),
  end: () => {
    if (socket.destroyed) return
    // Reading goes on: closing with unread bytes would reset the connection and lose what was just written.
    socket.resume()
    socket.end()
    const cancel = clock.after(LINGER_US, () => socket.destroy())
    socket.once('close', cancel)
  },
})
