/** A telephone for tests: real signalling over UDP, one RTP socket, sound that can be told apart. */
import { createSocket, type Socket } from 'node:dgram'
import { createSignalling } from '../../src/adapters/sip/create-signalling.ts'
import { noParams } from '../../src/adapters/sip/message/params.ts'
import type { SipResponse } from '../../src/adapters/sip/message/types.ts'
import { hostOfIp, parseUri } from '../../src/adapters/sip/message/uri.ts'
import { connectionFor } from '../../src/adapters/sip/offer-answer/described.ts'
import type { Session } from '../../src/adapters/sip/session.ts'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import { systemClock } from '../../src/core/clock.ts'
import { GatewayError } from '../../src/errors.ts'
import { attributeOf } from '../../src/media/sdp/attributes.ts'
import { parseSdp } from '../../src/media/sdp/parse.ts'
import { quietLog } from './sip-peer.ts'

const PAYLOAD_BYTES = 160

export interface CallerOptions {
  readonly host?: string
  /** Payload type of the sound. Default 0, PCMU. */
  readonly type?: number
  /** Further lines of the offer. */
  readonly more?: readonly string[]
}

export interface SipCaller {
  readonly rtpPort: number
  /** Where the gateway takes media. */
  readonly gatewayRtp: { readonly port: number; readonly rtcpPort: number }
  /** First payload byte of each packet received so far, in order. */
  readonly heard: readonly number[]
  /** Anything from its own RTP socket to the gateway's RTP or RTCP port. */
  send(bytes: Uint8Array, to: 'rtp' | 'rtcp'): void
  /** Of this end's packets from now on: what `heard` of another shows. */
  say(byte: number): void
  readonly ended: boolean
  readonly session: Session
  /** The answer to its offer. */
  readonly answer: string
  close(): Promise<void>
}

const listenRtp = async (host: string): Promise<Socket> => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  await new Promise<void>(resolve => socket.bind(0, host, resolve))
  return socket
}

const offerFor = (host: string, port: number, type: number): string =>
  [
    'v=0',
    `o=- 1 1 ${connectionFor(host)}`,
    's=-',
    `c=${connectionFor(host)}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${type}`,
    '',
  ].join('\r\n')

const mediaOf = (sdp: string): { readonly port: number; readonly rtcpPort: number } => {
  const media = parseSdp(sdp).media[0]!
  const rtcp = attributeOf(media, 'rtcp')
  return { port: media.port, rtcpPort: rtcp === undefined ? media.port + 1 : Number.parseInt(rtcp, 10) }
}

/** PCMU of 20 ms every 20 ms, until it is stopped. */
const sendSound = (socket: Socket, host: string, port: number, byte: () => number): (() => void) => {
  const packet = Buffer.alloc(12 + PAYLOAD_BYTES)
  packet[0] = 0x80
  packet.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), 8)
  let [sequence, timestamp] = [1, 0]
  const timer = setInterval(() => {
    packet.writeUInt16BE(sequence++ & 0xffff, 2)
    packet.writeUInt32BE(timestamp, 4)
    timestamp += PAYLOAD_BYTES
    packet.fill(byte(), 12)
    socket.send(packet, port, host)
  }, 20)
  return () => clearInterval(timer)
}

const invite = (signalling: Signalling, at: string, user: string, offer: string) =>
  new Promise<{ session: Session; response: SipResponse }>((resolve, reject) => {
    signalling.invite(
      {
        uri: parseUri(`sip:${user}@${at}`)!,
        from: { display: '', uri: parseUri('sip:caller@example.org')!, params: noParams },
        body: { type: 'application/sdp', content: offer },
      },
      {
        accepted: (session, { response }) => resolve({ session, response }),
        rejected: ({ code, reason, detail }) =>
          reject(new GatewayError('refused', `${code} ${reason} ${detail ?? ''}`)),
      },
    )
  })

/** Calls `user` at a gateway on this machine. Rejects with code and reason when it is not answered. */
export const placeSipCall = async (
  port: number,
  user: string,
  { host = '127.0.0.1', type = 0, more = [] }: CallerOptions = {},
): Promise<SipCaller> => {
  const signalling = await createSignalling({
    addresses: [{ transport: 'udp', host, port: 0 }],
    clock: systemClock,
    log: quietLog,
    userAgent: 'test phone',
    screen: () => ({ action: 'reject', code: 403 }),
    onInvite: incoming => incoming.reject(486),
  })
  const socket = await listenRtp(host)
  const heard: number[] = []
  socket.on('message', bytes => {
    if (bytes.length > 12 && (bytes[1]! & 0x7f) === 0) heard.push(bytes[12]!)
  })
  const offer = offerFor(host, socket.address().port, type) + more.map(line => `${line}\r\n`).join('')
  const { session, response } = await invite(signalling, `${hostOfIp(host)}:${port}`, user, offer).catch(
    async (error: unknown) => {
      socket.close()
      await signalling.close(0)
      throw error
    },
  )
  const gatewayRtp = mediaOf(response.body?.content ?? '')
  let ended = false
  session.listen({
    ended: () => {
      ended = true
    },
  })
  let byte = 0xff
  const stop = sendSound(socket, host, gatewayRtp.port, () => byte)
  return {
    rtpPort: socket.address().port,
    session,
    answer: response.body?.content ?? '',
    gatewayRtp,
    heard,
    say: next => {
      byte = next
    },
    send: (bytes, to) => socket.send(bytes, to === 'rtp' ? gatewayRtp.port : gatewayRtp.rtcpPort, host),
    get ended() {
      return ended
    },
    close: async () => {
      stop()
      session.bye()
      await signalling.close(500)
      socket.close()
    },
  }
}
