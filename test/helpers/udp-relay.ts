/** A UDP relay on loopback that loses datagrams, as a bad network would: each client gets its own socket onwards. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface UdpRelay extends AsyncDisposable {
  readonly port: number
  /** Media datagrams lost so far. */
  readonly lost: number
}

export interface UdpRelayOptions {
  /** Media datagrams onwards that wait until the one behind them has passed. Default: none. */
  readonly holds?: (index: number) => boolean
}

/**
 * Relays to `target` on 127.0.0.1. `loses` is asked for each datagram with its running number; STUN and DTLS always
 * pass, so that only media suffers.
 */
export const startUdpRelay = async (
  target: () => number,
  loses: (index: number) => boolean,
  { holds }: UdpRelayOptions = {},
): Promise<UdpRelay> => {
  const front = createSocket('udp4')
  const clients = new Map<string, Socket>()
  let index = 0
  let lost = 0
  let held: Buffer | undefined
  let onwards = 0
  const passes = (bytes: Buffer): boolean => {
    if (bytes[0]! < 128 || !loses(index++)) return true
    lost++
    return false
  }
  front.on('message', (bytes, { address, port }) => {
    const key = `${address}:${port}`
    let back = clients.get(key)
    if (back === undefined) {
      back = createSocket('udp4')
      back.on('message', answer => {
        if (passes(answer)) front.send(answer, port, address)
      })
      clients.set(key, back)
    }
    if (!passes(bytes)) return
    if (held === undefined && holds?.(onwards++) === true) {
      held = bytes
      return
    }
    back.send(bytes, target(), '127.0.0.1')
    if (held !== undefined) back.send(held, target(), '127.0.0.1')
    held = undefined
  })
  front.bind(0, '127.0.0.1')
  await once(front, 'listening')
  return {
    port: front.address().port,
    get lost() {
      return lost
    },
    async [Symbol.asyncDispose]() {
      for (const socket of [front, ...clients.values()]) socket.close()
    },
  }
}
