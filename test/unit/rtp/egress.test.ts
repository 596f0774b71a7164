/** What leaves for a receiver of plain RTP, byte by byte, on real sockets. */
import { createSocket, type Socket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PeerDescription } from '../../../src/adapters/adapter.ts'
import { pushRtp } from '../../../src/adapters/rtp/egress.ts'
import type { Egress, Publication, TrackWriter } from '../../../src/core/types.ts'
import { readRtcp } from '../../../src/media/rtcp/read.ts'
import type { RtcpPacket, SenderReport } from '../../../src/media/rtcp/types.ts'
import { writeRtcp } from '../../../src/media/rtcp/write.ts'
import { readRtpHeader } from '../../../src/media/rtp/packet.ts'
import { loadNative } from '../../../src/native/index.ts'
import { createTestContext, type TestContext } from '../../helpers/adapter-context.ts'
import { opus, picture, sound, vp8 } from '../../helpers/core-media.ts'
import { until } from '../../helpers/program.ts'

interface Receiver {
  readonly port: number
  readonly socket: Socket
  readonly datagrams: Buffer[]
  from: { port: number; address: string } | undefined
}
const listen = (port = 0): Promise<Receiver> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const receiver: Receiver = { socket, datagrams: [], from: undefined, port: 0 }
    socket.on('error', reject)
    socket.on('message', (bytes, from) => {
      receiver.datagrams.push(bytes)
      receiver.from = from
    })
    socket.bind(port, '127.0.0.1', () => resolve(Object.assign(receiver, { port: socket.address().port })))
  })

/** Ports as a receiver has them: RTP, RTCP, RTP, RTCP. */
const listenFour = async (): Promise<readonly Receiver[]> => {
  for (;;) {
    const first = await listen()
    const others = await Promise.all([1, 2, 3].map(offset => listen(first.port + offset))).catch(
      () => undefined,
    )
    if (others !== undefined) return [first, ...others]
    first.socket.close()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'crosspoint-rtp-'))
let receivers: readonly Receiver[] = []
let context: TestContext
let publication: Publication
let video: TrackWriter<'frame'>
let audio: TrackWriter<'frame'>
let keyframesAsked = 0
let peer: PeerDescription | undefined
let egress: Egress
let next = 0

const isRtcp = (bytes: Buffer): boolean => bytes[1]! >= 192 && bytes[1]! <= 223
const rtpOf = ({ datagrams }: Receiver): Buffer[] => datagrams.filter(bytes => !isRtcp(bytes))
const rtcpOf = ({ datagrams }: Receiver): RtcpPacket[] =>
  datagrams.filter(isRtcp).flatMap(bytes => readRtcp(bytes))
const reports = (receiver: Receiver): SenderReport[] =>
  rtcpOf(receiver).filter(packet => packet.type === 'sender-report')

/** One second of pictures and sound, or as much as is asked for. */
const play = (count = 30): void => {
  for (let i = 0; i < count; i++, next++) {
    video.write({ ...picture(next, vp8, 30, next % 30 === 0 ? 6000 : 2000), arrival: context.clock.now() })
    audio.write({ ...sound(next, opus, 960), arrival: context.clock.now() })
  }
}
const tellPeer = (told: PeerDescription): void => {
  peer = told
}
const open = async (options = ''): Promise<void> => {
  const [rtp] = receivers
  const url = new URL(`rtp://127.0.0.1:${rtp!.port}${options}`)
  egress = await pushRtp({ ...context, tellPeer }, url)
  await context.registry.subscribe('live/cam', egress, { start: 'live' })
}
const arrived = (receiver: Receiver, count: number): Promise<void> =>
  until(
    () => `${count} packets, have ${rtpOf(receiver).length}`,
    () => rtpOf(receiver).length >= count,
  )

beforeEach(async () => {
  receivers = await listenFour()
})
afterAll(() => rmSync(folder, { recursive: true }))
const begin = async (options?: string): Promise<void> => {
  context = createTestContext()
  ;[keyframesAsked, next, peer] = [0, 0, undefined]
  publication = context.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  video = publication.addTrack({
    ...{ id: 'video', native: 'frame', params: vp8 },
    onKeyframeRequest: () => {
      keyframesAsked++
    },
  })
  audio = publication.addTrack({ id: 'audio', native: 'frame', params: opus })
  video.clock.anchor({ ts: 0, wall: context.clock.wall(), from: 'arrival' })
  audio.clock.anchor({ ts: 0, wall: context.clock.wall(), from: 'arrival' })
  publication.ready()
  await open(options)
}
afterEach(async () => {
  await egress.close()
  await context.close()
  for (const { socket } of receivers) socket.close()
})

describe('packets', () => {
  test('have plain headers of 12 bytes: version 2, no padding, no extension, no CSRC; numbers in order', async () => {
    await begin()
    play()
    const [pictures, , sounds] = receivers
    await arrived(pictures!, 60)
    await arrived(sounds!, 30)
    for (const [receiver, payloadType] of [
      [pictures!, 96],
      [sounds!, 97],
    ] as const) {
      const packets = rtpOf(receiver)
      expect(new Set(packets.map(bytes => bytes[0]))).toEqual(new Set([0x80]))
      const headers = packets.map(bytes => readRtpHeader(bytes)!)
      expect(new Set(headers.map(header => header.payloadType))).toEqual(new Set([payloadType]))
      expect(new Set(headers.map(({ ssrc }) => ssrc)).size).toBe(1)
      expect(headers.every(({ payloadStart }) => payloadStart === 12)).toBe(true)
      expect(headers.map(({ seq }) => seq)).toEqual(headers.map((_, i) => (headers[0]!.seq + i) & 0xffff))
    }
    expect(rtpOf(pictures!).every(({ length }) => length <= 1200)).toBe(true)
  })

  test('are as large as asked for', async () => {
    await begin('?pkt_size=700&video=vp8')
    play(3)
    await arrived(receivers[0]!, 10)
    expect(Math.max(...rtpOf(receivers[0]!).map(({ length }) => length))).toBe(700)
  })

  test('are encrypted under the key of the description, which only its owner sees', async () => {
    await begin('?srtp=AES_CM_128_HMAC_SHA1_80')
    play(2)
    await arrived(receivers[2]!, 2)
    const key = /inline:(\S+)/.exec(peer!.sdp!)![1]!
    expect(peer!.sdp).toContain('RTP/SAVP ')
    expect(peer!.secrets).toContain(key)
    const bytes = Buffer.from(key, 'base64')
    const [master, salt] = [bytes.subarray(0, 16), bytes.subarray(16)]
    const srtp = loadNative().createSrtp({
      profile: 'AES_CM_128_HMAC_SHA1_80',
      ...{ localKey: master, localSalt: salt, remoteKey: master, remoteSalt: salt },
    })
    const first = Buffer.from(rtpOf(receivers[2]!)[0]!)
    const length = srtp.unprotectRtp(first, 0, first.length)
    expect(first.subarray(12, length)).toEqual(Buffer.alloc(20, 0))
    srtp.free()
  })
})

describe('RTCP', () => {
  test('reports say when what was sent was captured; a farewell ends it', async () => {
    await begin()
    play()
    const [, rtcp] = receivers
    await until('a sender report', () => reports(rtcp!).length > 0)
    const { ssrc } = readRtpHeader(rtpOf(receivers[0]!)[0]!)!
    const report = reports(rtcp!)[0]!
    expect(report.ssrc).toBe(ssrc)
    expect(report.packets).toBeGreaterThan(0)
    expect(Math.abs(report.wall - Date.now() * 1000)).toBeLessThan(5e6)
    await egress.close()
    await until('BYE', () => rtcpOf(rtcp!).some(packet => packet.type === 'bye'))
  })

  test('PLI and FIR become a request to the source, NACK the packet again, reports numbers', async () => {
    await begin('?feedback=pli,fir,nack')
    play(3)
    const [pictures, rtcp] = receivers
    await arrived(pictures!, 6)
    await until('RTCP', () => rtcp!.from !== undefined && rtcpOf(rtcp!).length > 0)
    const { ssrc: media, seq } = readRtpHeader(rtpOf(pictures!)[2]!)!
    const send = (packets: RtcpPacket[]): void =>
      rtcp!.socket.send(writeRtcp(packets), rtcp!.from!.port, '127.0.0.1')
    const before = keyframesAsked
    send([{ type: 'picture-loss', sender: 1, media }])
    await until('a key frame asked for', () => keyframesAsked > before)
    const sent = rtpOf(pictures!)[2]!
    send([{ type: 'nack', sender: 1, media, sequences: [seq] }])
    await until('the packet again', () => rtpOf(pictures!).filter(bytes => bytes.equals(sent)).length === 2)
    const blocks = [
      {
        ...{ ssrc: media, fractionLost: 64, cumulativeLost: 5, highestSequence: seq, jitter: 900 },
        ...{ lastSenderReport: reports(rtcp!)[0]!.ntpMiddle, delaySinceLastSenderReport: 0 },
      },
    ]
    send([{ type: 'receiver-report', ssrc: 1, blocks }])
    await until('the report', () => egress.link?.()?.lost === 5)
    expect(egress.link!()).toMatchObject({
      fractionLost: 0.25,
      jitterMs: 10,
      nacks: 1,
      resent: 1,
      pictureLossRequests: 1,
    })
    expect(egress.link!()!.roundTripMs).toBeGreaterThan(0)
  })

  test('goes the way of RTP where that is agreed on', async () => {
    await begin('?mux')
    play()
    await until('a sender report', () => reports(receivers[0]!).length > 0)
    expect(peer!.sdp).toContain('a=rtcp-mux')
    expect(receivers[1]!.datagrams).toEqual([])
  })
})

describe('the description', () => {
  test('is written to a file and told with its commands', async () => {
    const file = join(folder, 'not-there-yet', 'out.sdp')
    await begin(`?sdp=${encodeURIComponent(file)}`)
    expect(readFileSync(file, 'utf8')).toBe(peer!.sdp)
    expect(peer!.does).toBe('receive')
    expect(peer!.commands.map(({ program }) => program)).toEqual(['ffmpeg', 'gstreamer'])
    expect(peer!.commands[0]!.line).toContain(`-i ${file}`)
  })

  test.each(['new', 'there already'])(
    'with a key in it is for its owner alone: a file that is %s',
    async age => {
      const file = join(folder, `secret ${age}.sdp`)
      if (age !== 'new') writeFileSync(file, 'v=0', { mode: 0o644 })
      await begin(`?sdp=${encodeURIComponent(file)}&srtp=AES_CM_128_HMAC_SHA1_32`)
      expect(statSync(file).mode & 0o077).toBe(0)
    },
  )
})

test('only rtp: is sent', async () => {
  await begin()
  await expect(pushRtp(context, new URL('udp://127.0.0.1:5004'))).rejects.toThrow('only received')
})
