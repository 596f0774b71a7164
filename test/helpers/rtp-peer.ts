/** A peer in plain RTP on real sockets: sends what it is told to, keeps what it gets. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { readRtcp } from '../../src/media/rtcp/read.ts'
import type { RtcpPacket } from '../../src/media/rtcp/types.ts'
import { writeRtcp } from '../../src/media/rtcp/write.ts'

export interface SentRtp {
  readonly seq: number
  readonly ts?: number
  readonly ssrc?: number
  readonly payloadType?: number
  readonly marker?: boolean
  readonly payload?: Uint8Array
}

export const rtpPacket = ({ seq, ts, ssrc, payloadType, marker, payload }: SentRtp): Buffer => {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = (payloadType ?? 0) | (marker === true ? 0x80 : 0)
  header.writeUInt16BE(seq & 0xffff, 2)
  header.writeUInt32BE((ts ?? seq * 160) >>> 0, 4)
  header.writeUInt32BE(ssrc ?? 0x11111111, 8)
  return Buffer.concat([header, payload ?? Buffer.alloc(160, seq & 0xff)])
}

export interface RtpPeer extends AsyncDisposable {
  readonly ip: string
  readonly port: number
  readonly got: Buffer[]
  /** Of what it got, RTCP as packets, RTP as it came. */
  readonly rtcp: readonly RtcpPacket[]
  readonly rtp: readonly Buffer[]
  send(port: number, bytes: Uint8Array, ip?: string): Promise<void>
  sendRtcp(port: number, packets: readonly RtcpPacket[]): Promise<void>
}

const isRtcp = (bytes: Buffer): boolean => bytes[1]! >= 192 && bytes[1]! <= 223

/** On an address of this machine: all of 127.0.0.0/8 are. */
export const openRtpPeer = async (ip = '127.0.0.1', port = 0): Promise<RtpPeer> => {
  const socket: Socket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4')
  const got: Buffer[] = []
  socket.on('message', bytes => void got.push(bytes))
  socket.bind(port, ip)
  await once(socket, 'listening')
  const send = (to: number, bytes: Uint8Array, host = isIPv6(ip) ? '::1' : '127.0.0.1'): Promise<void> =>
    new Promise((resolve, reject) =>
      socket.send(bytes, to, host, error => (error === null ? resolve() : reject(error))),
    )
  return {
    ip,
    port: socket.address().port,
    got,
    get rtcp() {
      return got.filter(isRtcp).flatMap(bytes => readRtcp(bytes))
    },
    get rtp() {
      return got.filter(bytes => !isRtcp(bytes))
    },
    send,
    sendRtcp: (to, packets) => send(to, writeRtcp(packets)),
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
