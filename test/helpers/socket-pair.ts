/** Both ends of a TCP connection over the loopback. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface SocketPair {
  /** The end that was accepted. */
  readonly near: Socket
  readonly far: Socket
  /** What the far end has read so far; it reads from the first call on. */
  received(): Buffer
  close(): void
}

export const openSocketPair = async (): Promise<SocketPair> => {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  server.close()
  for (const socket of [near, far]) socket.on('error', () => undefined)
  let parts: Buffer[] | undefined
  return {
    near,
    far,
    received() {
      if (parts === undefined) {
        const list: Buffer[] = []
        parts = list
        far.on('data', bytes => list.push(bytes))
      }
      return Buffer.concat(parts)
    },
    close() {
      near.destroy()
      far.destroy()
    },
  }
}

/** The number by which the operating system knows the socket. */
export const descriptorOf = (socket: Socket): number =>
  (socket as Socket & { readonly _handle: { readonly fd: number } })._handle.fd
