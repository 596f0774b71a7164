/** Plays frames as a WHIP publisher in real time: packets as libwebrtc makes them, each at its time. */
import { createPacketiser } from '../../src/media/rtp/packetise.ts'
import type { Frame, RtpPacket } from '../../src/media/types.ts'
import { AUDIO_PT, rtpBytes, TestPeer, until, VIDEO_PT } from './webrtc-peer.ts'

export interface Played {
  readonly frames: readonly Frame[]
  /** Milliseconds after the beginning at which the frame with pts 0 is sent. Default 0. */
  readonly fromMs?: number
  /** When a frame is sent, and which RTP timestamp it has, in place of its own pts. */
  readonly place?: (frame: Frame) => { readonly atMs: number; readonly ts: number }
  /** Puts packets of a frame together differently. */
  readonly repack?: (packets: readonly RtpPacket[]) => readonly Uint8Array[]
}

interface Due {
  readonly atMs: number
  readonly bytes: Uint8Array
}

const payloadOf = ({ bytes, payloadStart, payloadEnd }: RtpPacket): Uint8Array =>
  bytes.subarray(payloadStart, payloadEnd)

const packetsOf = ({ frames, fromMs = 0, place, repack }: Played): Due[] => {
  const { params } = frames[0]!
  const [pt, ssrc] = params.kind === 'video' ? [VIDEO_PT, 5] : [AUDIO_PT, 6]
  const made: RtpPacket[] = []
  const packetiser = createPacketiser(params, { maxPayload: 1188 }, packet => void made.push(packet))
  let seq = 1000
  return frames.flatMap(frame => {
    made.length = 0
    packetiser.push(frame)
    const own = { atMs: fromMs + (frame.pts * 1000) / params.clockRate, ts: frame.pts }
    const { atMs, ts } = place?.(frame) ?? own
    const payloads = repack?.(made) ?? made.map(payloadOf)
    const isVideo = params.kind === 'video'
    return payloads.map((payload, i) => {
      const marker = isVideo && i === payloads.length - 1
      return { atMs, bytes: rtpBytes({ ssrc, seq: seq++, ts: ts + 90_000, pt, marker, payload }) }
    })
  })
}

/** A publisher that is connected. */
export const connectWhip = async (
  url: string,
  headers: Record<string, string> = {},
): Promise<{ peer: TestPeer; leave: () => Promise<unknown> }> => {
  const peer = new TestPeer({ direction: 'sendonly' })
  const response = await peer.post(url, headers)
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`)
  await peer.connect()
  await until('SRTP', () => peer.srtp !== undefined)
  const resource = new URL(response.headers.get('location')!, url)
  return { peer, leave: () => fetch(resource, { method: 'DELETE', headers }) }
}

/** Sends everything, each packet when it is due; resolves with when it began (`performance.now()`), at the end. */
export const play = async (peer: TestPeer, played: readonly Played[]): Promise<number> => {
  const due = played.flatMap(packetsOf).sort((a, b) => a.atMs - b.atMs)
  const begin = performance.now()
  for (const { atMs, bytes } of due) {
    const wait = begin + atMs - performance.now()
    if (wait > 1) await new Promise(resolve => setTimeout(resolve, wait))
    peer.sendRtp(bytes)
  }
  return begin
}
