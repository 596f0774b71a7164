/**
 * The commands that the gateway tells, run word for word: a program sends to a source, another receives from a
 * destination of the same bridge, and what it wrote decodes. Runs alone: several encoders at once, and UDP waits for
 * nobody.
 */
import { existsSync, linkSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PeerCommand } from '../../src/adapters/adapter.ts'
import type { Bridge } from '../../src/bridges/bridge.ts'
import type { Accept, TrackInfo } from '../../src/core/types.ts'
import { decoded, flashingClip } from '../helpers/flashes.ts'
import { type MemoryEgress, memoryEgress } from '../helpers/memory-egress.ts'
import { type Program, stopPrograms, until } from '../helpers/program.ts'
import { freePairs, type RtpGateway, startRtpGateway } from '../helpers/rtp-gateway.ts'

/**
 * Lines of complaint, where encoders, programs and gateway share few cores: a sender that falls behind its own clock
 * costs GStreamer pictures, all of which came to it in order.
 */
const TOLERATED = 30

type Name = PeerCommand['program']

let rtp: RtpGateway
let clip = ''
beforeAll(async () => {
  rtp = await startRtpGateway()
  clip = await flashingClip(rtp.folder, 20)
}, 30_000)
afterAll(async () => {
  await stopPrograms()
  await rtp.close()
})

/** Ctrl-C. */
const interrupt = async (program: Program): Promise<void> => {
  program.child.kill('SIGINT')
  await program.exited
}

/** What a reader of the stream has had since it came, from the first key frame on: not sound, which flows on alone. */
const picturesOf = async ({ gateway }: RtpGateway, stream: string): Promise<MemoryEgress> => {
  const accepts = (tracks: readonly TrackInfo[]): readonly Accept[] =>
    tracks
      .filter(({ kind }) => kind === 'video')
      .map(({ params }) => ({ kind: 'video', codec: params.codec, form: 'frame' }))
  const egress = memoryEgress({ accepts })
  await gateway.registry.subscribe(stream, egress, { start: 'live', waitMs: 20_000 })
  return egress
}

interface Options {
  readonly from?: string
  readonly to?: string
  /** While it flows. */
  readonly look?: (bridge: Bridge) => Promise<void>
}

/** @returns what the receiver wrote */
const carry = async (
  media: string,
  sender: Name,
  receiver: Name,
  { from: more = '', to: also = '', look }: Options = {},
): Promise<string> => {
  const folder = join(rtp.folder, `${media}-${sender}`)
  mkdirSync(folder)
  linkSync(clip, join(folder, 'input.mp4'))
  const [from, to] = [await freePairs(2), await freePairs(2)]
  const programs = new Map<string, Program>()
  const { bridge } = await rtp.open(
    `rtp://127.0.0.1:${from}?${media}${more}`,
    [`rtp://127.0.0.1:${to}?mux=false${also}`],
    peer => {
      // Sources and destinations are told once each, unless they change.
      if (programs.has(peer.does)) return
      const program = rtp.run(peer, peer.does === 'send' ? sender : receiver, folder)
      programs.set(peer.does, program)
    },
  )
  const file = join(folder, 'received.mkv')
  const said = (): string => [...programs.values()].map(program => program.output().slice(-800)).join('\n')
  await until(
    () => `${receiver} writes: ${said()}`,
    () => existsSync(file),
    30_000,
  )
  const pictures = await picturesOf(rtp, bridge.info().stream)
  await until(
    () => `three seconds of ${media}: ${said()}`,
    () => pictures.frames.length > 90,
    50_000,
  )
  await pictures.close()
  await look?.(bridge)
  await interrupt(programs.get('receive')!)
  await interrupt(programs.get('send')!)
  await bridge.close()
  return file
}

const check = async (file: string): Promise<void> => {
  const { pictures, seconds } = await decoded(file, TOLERATED)
  expect(pictures).toBeGreaterThan(20)
  expect(seconds).toBeGreaterThan(1)
}

describe.concurrent('ffmpeg sends, GStreamer receives', () => {
  test.each(['video=h264&audio=opus', 'video=vp8&audio=pcmu', 'video=h265&audio=aac'])(
    '%s',
    async media => check(await carry(media, 'ffmpeg', 'gstreamer')),
    120_000,
  )
})

describe.concurrent('GStreamer sends, ffmpeg receives', () => {
  test.each(['video=h264&audio=l16', 'video=vp8&audio=opus', 'video=h265&audio=g722'])(
    '%s',
    async media => check(await carry(media, 'gstreamer', 'ffmpeg')),
    120_000,
  )
})

describe.concurrent('under keys of SDES, in and out', () => {
  const key = Buffer.from('thirty bytes of key and salt..').toString('base64')
  const keys = { from: `&srtp=AES_CM_128_HMAC_SHA1_80:${key}`, to: '&srtp=AES_CM_128_HMAC_SHA1_80' }
  test.each([
    ['video=h264&audio=pcma', 'ffmpeg', 'gstreamer'],
    ['video=h264&audio=aac', 'gstreamer', 'ffmpeg'],
  ] as const)(
    '%s, %s to %s',
    async (media, sender, receiver) => check(await carry(media, sender, receiver, keys)),
    120_000,
  )
})

test('a receiver that is offered feedback reports how it gets it, and how long that takes', async () => {
  const media = 'video=vp8&audio=pcmu'
  const look = async ({ info }: Bridge): Promise<void> => {
    const link = () => rtp.gateway.registry.find(info().stream)?.subscribers[0]?.link
    await until(
      () => `a round trip: ${JSON.stringify(link())}`,
      () => (link()?.roundTripMs ?? 0) > 0,
    )
    expect(link()!.packets).toBeGreaterThan(100)
  }
  await check(await carry(`${media}&mux=false`, 'gstreamer', 'gstreamer', { to: '&feedback=pli,nack', look }))
}, 120_000)
