/**
 * WebRTC in, FLV out: changed and repeated parameter sets, tracks that are late or never come, pauses.
 * Runs alone: its sender paces by the clock of a busy machine.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import type { Frame, RtpPacket } from '../../src/media/types.ts'
import { parseFlv, readTags } from '../helpers/flv.ts'
import { makePicture } from '../helpers/picture.ts'
import { runProgram } from '../helpers/program.ts'
import { levelDb, makeSound, onsetOf, runFfmpeg } from '../helpers/sound.ts'
import { recordingLogger } from '../helpers/webrtc-gateway.ts'
import { until } from '../helpers/webrtc-peer.ts'
import { connectWhip, type Played, play } from '../helpers/whip-player.ts'

let gateway: Gateway
let http: string
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whip-to-flv-'))
  const free = { listen: { port: 0 } }
  gateway = await createGateway({ http: free, rtmp: free, webrtc: free }, { log: recordingLogger([]) })
  http = `http://127.0.0.1:${gateway.doors.get('http')!.port}`
})
afterAll(async () => {
  await gateway?.close({ code: 'shutdown' })
  await rm(folder, { recursive: true })
})

const size = { width: 640, height: 360 }
const baseline = ['-profile:v', 'baseline', '-bf', '0']

interface Watched {
  readonly bytes: Uint8Array
  /** Milliseconds from the first packet of the publisher to the first tag with media. */
  readonly firstMediaMs: number
}
/** Publishes what is given and reads it over HTTP-FLV from the very beginning to the end. */
const relay = async (name: string, played: readonly Played[]): Promise<Watched> => {
  const { peer, leave } = await connectWhip(`${http}/whip/${name}`)
  await until('the stream', () => gateway.registry.find(name)?.state === 'ready')
  const controller = new AbortController()
  const reading = fetch(`${http}/${name}.flv`, { signal: controller.signal })
  await until('the reader', () => gateway.registry.find(name)?.subscribers.length === 1)
  const chunks: Uint8Array[] = []
  let firstMedia = Number.POSITIVE_INFINITY
  const read = (async () => {
    for await (const chunk of (await reading).body!) {
      chunks.push(chunk)
      const hasMedia = firstMedia === Number.POSITIVE_INFINITY && framesIn(Buffer.concat(chunks)) > 0
      if (hasMedia) firstMedia = performance.now()
    }
  })()
  const begin = await play(peer, played)
  // What is still in the encoder comes out.
  await until('quiet', quietFor(chunks, 300), 10_000)
  await leave()
  await read
  await peer[Symbol.asyncDispose]()
  return { bytes: Buffer.concat(chunks), firstMediaMs: firstMedia - begin }
}
const framesIn = (bytes: Uint8Array): number => {
  const { frames } = readTags(parseFlv(bytes).tags)
  return [...frames.values()].reduce((sum, list) => sum + list.length, 0)
}
const quietFor = (chunks: readonly unknown[], ms: number): (() => boolean) => {
  let count = chunks.length
  let since = performance.now()
  return () => {
    if (chunks.length !== count) since = performance.now()
    count = chunks.length
    return performance.now() - since > ms
  }
}

const rate = 48_000
/** Onsets, in seconds of the file's time line, of tones after silence; pauses are filled up by the times. */
const onsetsIn = async (bytes: Uint8Array): Promise<number[]> => {
  const filled = ['-af', 'aresample=async=1:first_pts=0', '-ar', `${rate}`, '-ac', '1', '-f', 'f32le']
  const raw = await runFfmpeg(['-f', 'flv', '-i', 'pipe:0', '-vn', ...filled, 'pipe:1'], bytes)
  const samples = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length))
  const onsets: number[] = []
  const step = rate / 1000
  let quietMs = 1000
  for (let at = 0; at + step <= samples.length; at += step) {
    const part = samples.subarray(at, at + step)
    const loud = levelDb(part) > -20
    if (loud && quietMs > 200) onsets.push(at / rate + onsetOf(part, rate))
    quietMs = loud ? 0 : quietMs + 1
  }
  return onsets
}

/** 50 ms of 1 kHz at each full second. */
const beeps = (seconds: number) =>
  makeSound({
    ...{ codec: 'opus', rate, channels: 1, seconds },
    expressions: ['0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.05)'],
  })

const sizesIn = async (bytes: Uint8Array): Promise<{ sizes: string[]; said: string }> => {
  const file = join(folder, 'sizes.flv')
  await writeFile(file, bytes)
  const entries = ['-show_entries', 'frame=width,height', '-of', 'csv=p=0']
  const output = await runProgram('ffprobe', ['-v', 'error', '-select_streams', 'v', ...entries, file])
  const lines = output.split('\n').filter(line => line !== '')
  const sizes = lines.filter(line => /^\d+,\d+,*$/.test(line)).map(line => line.replace(/,+$/, ''))
  return { sizes, said: lines.filter(line => !/^\d+,\d+,*$/.test(line)).join('\n') }
}
/** AVC sequence headers, and what comes between each and the next frame. */
const videoTags = (bytes: Uint8Array) =>
  parseFlv(bytes)
    .tags.filter(({ type }) => type === 9)
    .map(({ body }) => ({ header: body[1] === 0, key: body[0]! >> 4 === 1 }))

const delayed = (frames: readonly Frame[], ms: number): Frame[] =>
  frames.map(frame => ({ ...frame, pts: frame.pts + ms * 90, dts: frame.dts + ms * 90 }))

/** As OBS does it: SPS in a packet of its own, then PPS and IDR together (STAP-A), RFC 6184 5.7.1. */
const likeObs = (packets: readonly RtpPacket[]): Uint8Array[] => {
  const payloads = packets.map(p => p.bytes.subarray(p.payloadStart, p.payloadEnd))
  const first = payloads[0]!
  if ((first[0]! & 31) !== 24) return payloads
  const units: Uint8Array[] = []
  for (let at = 1; at < first.length; ) {
    const length = (first[at]! << 8) | first[at + 1]!
    units.push(first.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  const [sps, ...rest] = units
  const aggregate = rest.flatMap(unit => [unit.length >> 8, unit.length & 255, ...unit])
  return [sps!, Uint8Array.from([0x78, ...aggregate]), ...payloads.slice(1)]
}

describe('parameter sets', () => {
  test('640x360, then 1280x720, then back: one new header before each IDR, every picture has its size', async () => {
    const [small, large] = await Promise.all([
      makePicture({ codec: 'h264', size, seconds: 1, encoder: baseline }),
      makePicture({ codec: 'h264', size: { width: 1280, height: 720 }, seconds: 1, encoder: baseline }),
    ])
    const frames = [...small.frames, ...delayed(large.frames, 1000), ...delayed(small.frames, 2000)]
    const { bytes } = await relay('live/sizes', [{ frames }])
    const tags = videoTags(bytes)
    expect(tags.filter(({ header }) => header)).toHaveLength(3)
    for (const [i, { header }] of tags.entries()) if (header) expect(tags[i + 1]!.key).toBe(true)
    const { sizes, said } = await sizesIn(bytes)
    expect(said).toBe('')
    const want = (count: number, text: string): string[] => new Array<string>(count).fill(text)
    expect(sizes).toEqual([...want(30, '640,360'), ...want(30, '1280,720'), ...want(30, '640,360')])
  })

  test.each([
    ['in front of each IDR, as libwebrtc does', undefined],
    ['the SPS apart from PPS and IDR, as OBS does', likeObs],
  ])('repeated %s: one header', async (_, repack) => {
    const { frames } = await makePicture({ codec: 'h264', size, seconds: 4, gop: 15, encoder: baseline })
    const { bytes } = await relay('live/repeats', [{ frames, ...(repack && { repack }) }])
    const tags = videoTags(bytes)
    expect(tags.filter(({ header }) => header)).toHaveLength(1)
    expect(tags.filter(({ header, key }) => key && !header)).toHaveLength(8)
    expect((await sizesIn(bytes)).sizes).toHaveLength(120)
  })
})

describe('tracks that do not come, or late', () => {
  /** Less than the sound is late, and a good deal more than two seconds. */
  const startLimitMs = 5000

  test.concurrent('only sound: it does not wait for the picture', async () => {
    const { frames } = await beeps(4)
    const { bytes, firstMediaMs } = await relay('live/only-sound', [{ frames }])
    expect(firstMediaMs).toBeLessThan(startLimitMs)
    expect(await onsetsIn(bytes)).toHaveLength(4)
  })

  test.concurrent('only the picture, sound muted from the start', async () => {
    const { frames } = await makePicture({ codec: 'h264', size, seconds: 4, encoder: baseline })
    const { bytes, firstMediaMs } = await relay('live/only-picture', [{ frames }])
    expect(firstMediaMs).toBeLessThan(startLimitMs)
    expect((await sizesIn(bytes)).sizes).toHaveLength(120)
  })

  test.concurrent('sound 6 s late: the picture does not wait, the sound is heard in its place', async () => {
    const { frames } = await makePicture({ codec: 'h264', size, seconds: 9, encoder: baseline })
    const sound = await beeps(3)
    const played = [{ frames }, { frames: sound.frames, fromMs: 6_000 }]
    const { bytes, firstMediaMs } = await relay('live/late-sound', played)
    expect(firstMediaMs).toBeLessThan(startLimitMs)
    const onsets = await onsetsIn(bytes)
    expect(onsets).toHaveLength(3)
    for (const [i, onset] of onsets.entries()) expect(Math.abs(onset - 6 - i)).toBeLessThan(0.04)
  })

  test.concurrent.each([
    ['whose timestamps go on over it', true],
    ['whose timestamps stand still over it', false],
  ])('6 s without a packet of sound, %s: nothing is squeezed', async (_, advances) => {
    const pauseMs = 6_000
    const { frames } = await makePicture({ codec: 'h264', size, seconds: 10, encoder: baseline })
    const sound = await beeps(4)
    const place = ({ pts }: Frame): { atMs: number; ts: number } => {
      const late = pts >= 2 * rate ? pauseMs : 0
      return { atMs: (pts * 1000) / rate + late, ts: pts + (advances ? (late * rate) / 1000 : 0) }
    }
    const { bytes } = await relay(`live/pause-${advances}`, [{ frames }, { frames: sound.frames, place }])
    const onsets = await onsetsIn(bytes)
    expect(onsets).toHaveLength(4)
    for (const [i, onset] of onsets.entries())
      expect(Math.abs(onset - (i < 2 ? i : i + 6))).toBeLessThan(0.04)
    // The last frames of sound are still in the encoder when the publisher leaves: the picture has the length.
    const times = parseFlv(bytes).tags.filter(({ type }) => type !== 18)
    expect(Math.abs(times.at(-1)!.timestampMs + 1000 / 30 - 10_000)).toBeLessThan(50)
  })
})
