/** Is an address still free to listen on, over TCP and UDP alike? */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Address } from '../config/address.ts'

const opens = async (door: Server | Socket): Promise<boolean> => {
  try {
    await once(door, 'listening')
    door.close()
    return true
  } catch {
    return false
  }
}

export const isFree = async ({ host, port }: Address): Promise<boolean> => {
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const both = await Promise.all([opens(createServer().listen(port, host)), opens(udp.bind(port, host))])
  return both.every(free => free)
}
