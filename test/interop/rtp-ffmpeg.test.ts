/**
 * RTP against ffmpeg's own: its packets become the frames that it was given, our packets decode to the same
 * pictures. Runs alone: what UDP loses on a busy machine is not asked for again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { joinAnnexB } from '../../src/media/nal.ts'
import { createPcmParams } from '../../src/media/pcm/parameters.ts'
import { createBFrameFilter } from '../../src/media/reorder.ts'
import { createDepacketiser } from '../../src/media/rtp/depacketise.ts'
import { createRtpStreamState, readRtpPacket } from '../../src/media/rtp/packet.ts'
import { createPacketiser } from '../../src/media/rtp/packetise.ts'
import type { DepacketiserStats } from '../../src/media/rtp/types.ts'
import type { CodecParameters, Frame } from '../../src/media/types.ts'
import {
  aacFrames,
  h264Frames,
  h265Frames,
  opusFrames,
  vp8Frames,
  vp9Frames,
} from '../helpers/media-fixtures.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'media')
const folder = mkdtempSync(join(tmpdir(), 'rtp-ffmpeg-'))
const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}
const ffmpeg = (args: readonly string[]): Promise<Ended> => {
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  return once(child, 'close').then(([code]) => {
    children.delete(child)
    return { code: code as number | null, stdout, stderr }
  })
}

const openSocket = async (port = 0): Promise<Socket> => {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

const contents = (frames: readonly Frame[]): string[] =>
  frames.map(({ units, key, pts }) =>
    JSON.stringify([key, pts - frames[0]!.pts, ...units.map(unit => Buffer.from(unit).toString('base64'))]),
  )

interface Received {
  readonly frames: Frame[]
  readonly stats: DepacketiserStats
}
/** Lets ffmpeg send to us until `expected` frames have come. */
const receive = async (
  params: CodecParameters,
  input: readonly string[],
  expected: number,
): Promise<Received> => {
  const socket = await openSocket()
  const frames: Frame[] = []
  const depacketiser = createDepacketiser(params, {
    onFrame: frame => frames.push(frame),
    onParams: () => {},
    onLoss: () => {},
  })
  const state = createRtpStreamState(params.codec)
  socket.on('message', bytes => {
    const now = performance.now() * 1000
    const packet = readRtpPacket(bytes, now, state)
    if (packet !== undefined) depacketiser.push(packet, now)
  })
  const target = `rtp://127.0.0.1:${socket.address().port}?pkt_size=600`
  const { code, stderr } = await ffmpeg(['-re', ...input, '-strict', '-2', '-f', 'rtp', target])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await vi.waitFor(() => expect(frames.length).toBeGreaterThanOrEqual(expected), { timeout: 5_000 })
  socket.close()
  return { frames, stats: depacketiser.stats }
}

/** ADTS has no AudioSpecificConfig, which ffmpeg needs for RTP: MP4 has. */
const withConfig = async (name: string): Promise<string> => {
  const source = join(fixtures, name)
  if (!name.endsWith('.aac')) return source
  const file = join(folder, 'adts.mp4')
  expect(await ffmpeg(['-i', source, '-c', 'copy', file])).toMatchObject({ code: 0 })
  return file
}

describe('ffmpeg to us', () => {
  test.concurrent.each([
    ['h264-baseline.h264', h264Frames('h264-baseline')],
    ['vp8.ivf', vp8Frames()],
    ['vp9.ivf', vp9Frames()],
    // ffmpeg gathers access units and keeps its last packet to itself.
    ['aac-44100-stereo.aac', aacFrames('aac-44100-stereo').slice(0, 20)],
    ['opus-20ms.ogg', opusFrames()],
  ] as const)('%s: the same frames at the same times', async (name, sent) => {
    const input = ['-i', await withConfig(name), '-c', 'copy']
    const { frames, stats } = await receive(sent[0]!.params, input, sent.length)
    expect(contents(frames)).toEqual(contents(sent))
    expect(stats).toMatchObject({ lost: 0, malformed: 0, framesDropped: 0 })
  })

  test.concurrent.each([
    ['h264', ['-c:v', 'libx264', '-bf', '3', '-bsf:v', 'dump_extra']],
    ['h265', ['-c:v', 'libx265', '-x265-params', 'log-level=error:bframes=3', '-bsf:v', 'dump_extra']],
  ] as const)('%s with B-frames, encoded live: every picture decodes', async (codec, options) => {
    const sample = codec === 'h264' ? h264Frames('h264-baseline')[0]! : h265Frames()[0]!
    const { params } = sample
    const bare = {
      ...params,
      sps: undefined,
      pps: [],
      size: undefined,
      reordered: undefined,
    } as CodecParameters
    const input = [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x240:r=30',
      '-frames:v',
      '45',
      '-pix_fmt',
      'yuv420p',
      '-g',
      '15',
    ]
    const { frames, stats } = await receive(bare, [...input, ...options], 45)
    expect(stats).toMatchObject({ lost: 0, malformed: 0, framesDropped: 0 })
    expect(frames.filter(frame => frame.key)).toHaveLength(3)
    expect(frames.at(-1)!.params).toMatchObject({ size: { width: 320, height: 240 }, reordered: true })
    const settled = frames.slice(2)
    expect(settled.every(frame => frame.dts <= frame.pts)).toBe(true)
    expect(settled.every((frame, i) => i === 0 || frame.dts > settled[i - 1]!.dts)).toBe(true)
    const file = join(folder, `live.${codec}`)
    writeFileSync(file, annexB(frames))
    const demuxer = codec === 'h264' ? 'h264' : 'hevc'
    const decoded = await ffmpeg(['-f', demuxer, '-i', file, '-f', 'framemd5', '-'])
    expect(decoded.stderr).toBe('')
    expect(hashes(decoded.stdout)).toHaveLength(45)
  })

  test.concurrent('G.711: every sample', async () => {
    const input = ['-f', 'lavfi', '-i', 'sine=1000:r=8000:d=1', '-c:a', 'pcm_mulaw']
    const { frames } = await receive(createPcmParams('pcmu'), input, 1)
    await vi.waitFor(() => expect(frames.reduce((sum, frame) => sum + frame.duration, 0)).toBe(8000))
  })
})

const annexB = (frames: readonly Frame[]): Uint8Array =>
  joinAnnexB(
    frames.flatMap(({ key, params, units }) => {
      if (!key || (params.codec !== 'h264' && params.codec !== 'h265')) return units
      const vps = params.codec === 'h265' ? [params.vps!] : []
      return [...vps, params.sps!, ...params.pps, ...units]
    }),
  )

/** Hash of each decoded frame out of framemd5 text. */
const hashes = (text: string): string[] =>
  text
    .split('\n')
    .filter(line => /^\d/.test(line))
    .map(line => line.split(',').at(-1)!.trim())

test('B-frames left out where nothing refers to them: what is left decodes without an error', async () => {
  const filter = createBFrameFilter()
  const kept = h264Frames('h264-bframes').filter(frame => filter.push(frame) === 'pass')
  const file = join(folder, 'without-b-frames.h264')
  writeFileSync(file, annexB(kept))
  const { stdout, stderr } = await ffmpeg([
    '-f',
    'h264',
    '-i',
    file,
    '-fps_mode',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  ])
  expect(stderr).toBe('')
  expect(hashes(stdout)).toHaveLength(10)
})

/** An even port that is free together with the next one. */
const given = new Set<number>()
const freePortPair = async (): Promise<number> => {
  for (;;) {
    const first = await openSocket()
    const { port } = first.address()
    const second = port % 2 === 0 ? await openSocket(port + 1).catch(() => undefined) : undefined
    second?.close()
    first.close()
    if (second === undefined || given.has(port)) continue
    given.add(port)
    return port
  }
}

/** Resolves when somebody listens: a datagram to a closed port is answered with an ICMP refusal. */
const isListening = async (port: number): Promise<void> => {
  const probe = createSocket('udp4')
  probe.connect(port, '127.0.0.1')
  await once(probe, 'connect')
  let refused = true
  probe.on('error', () => {
    refused = true
  })
  while (refused) {
    refused = false
    probe.send(Uint8Array.of(0))
    await sleep(50)
    // The refusal is reported when sockets are polled, which comes before immediates.
    await immediate()
  }
  probe.close()
}

/**
 * Sends `frames` over and over, as one stream, to an ffmpeg that got `media` as SDP and ends after `count`
 * decoded frames; returns their hashes.
 */
const decode = async (
  frames: readonly Frame[],
  media: (port: number) => string,
  count: number,
): Promise<string[]> => {
  const port = await freePortPair()
  const sdp = join(folder, `${port}.sdp`)
  writeFileSync(sdp, `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n${media(port)}\n`)
  const limit = ['-fps_mode', 'passthrough', '-frames', String(count)]
  const ended = ffmpeg(['-protocol_whitelist', 'file,udp,rtp', '-i', sdp, ...limit, '-f', 'framemd5', '-'])
  let running = true
  void ended.then(() => {
    running = false
  })
  await isListening(port)
  const socket = await openSocket()
  const packetiser = createPacketiser(frames[0]!.params, { maxPayload: 700 }, ({ bytes }) => {
    bytes[1]! |= 96
    socket.send(bytes, port, '127.0.0.1')
  })
  const span = frames.length * (frames[1]!.dts - frames[0]!.dts)
  for (let round = 0; running; round += 1) {
    for (const frame of frames) {
      packetiser.push({ ...frame, pts: frame.pts + round * span })
      await sleep(2)
    }
  }
  socket.close()
  const { code, stdout, stderr } = await ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return hashes(stdout)
}

const videoSdp =
  (map: string, fmtp = ''): ((port: number) => string) =>
  port =>
    `m=video ${port} RTP/AVP 96\na=rtpmap:96 ${map}/90000${fmtp && `\na=fmtp:96 ${fmtp}`}`
const audioSdp =
  (map: string, fmtp = ''): ((port: number) => string) =>
  port =>
    `m=audio ${port} RTP/AVP 96\na=rtpmap:96 ${map}${fmtp && `\na=fmtp:96 ${fmtp}`}`
const aacFmtp = 'profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1210'

describe('us to ffmpeg', () => {
  test.concurrent.each([
    ['h264-baseline.h264', h264Frames('h264-baseline'), videoSdp('H264', 'packetization-mode=1')],
    ['h264-bpyramid.h264', h264Frames('h264-bpyramid'), videoSdp('H264', 'packetization-mode=1')],
    ['h265.h265', h265Frames(), videoSdp('H265')],
    ['vp8.ivf', vp8Frames(), videoSdp('VP8')],
    ['vp9.ivf', vp9Frames(), videoSdp('VP9')],
    ['aac-44100-stereo.aac', aacFrames('aac-44100-stereo'), audioSdp('mpeg4-generic/44100/2', aacFmtp)],
    ['opus-20ms.ogg', opusFrames(), audioSdp('opus/48000/2', 'sprop-stereo=1')],
  ] as const)('%s decodes as the file does', async (name, frames, media) => {
    const file = ffmpeg(['-i', join(fixtures, name), '-fps_mode', 'passthrough', '-f', 'framemd5', '-'])
    const expected = hashes((await file).stdout)
    expect(expected.length).toBeGreaterThan(20)
    const decoded = await decode(frames, media, expected.length)
    // Ogg says how many samples to leave out at both ends (RFC 7845 section 4), RTP does not.
    const ends = name.endsWith('.ogg') ? 1 : 0
    expect(decoded).toHaveLength(expected.length)
    expect(decoded.slice(ends, -ends || undefined)).toEqual(expected.slice(ends, -ends || undefined))
  })
})
