/**
 * MPEG transport streams of ffmpeg and GStreamer, over plain UDP and RTP, read back from FLV. Runs alone: several encoders
 * at once, and UDP waits for nobody.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PeerCommand, PeerDescription } from '../../src/adapters/adapter.ts'
import { decoded, flashingClip, soundDelay } from '../helpers/flashes.ts'
import { type Program, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { freePairs, type RtpGateway, startRtpGateway } from '../helpers/rtp-gateway.ts'

const SECONDS = 4
/** Lines of complaint, where an encoder shares few cores with the gateway. */
const TOLERATED = 30

let rtp: RtpGateway
beforeAll(async () => {
  rtp = await startRtpGateway()
  await flashingClip(rtp.folder, SECONDS, 3)
}, 30_000)
afterAll(async () => {
  await stopPrograms()
  await rtp.close()
})

/** From a source into `NAME.flv`, sent as `send` says, up to the end by silence. @returns the file */
const record = async (
  name: string,
  from: string,
  send: (peer: PeerDescription) => Program,
): Promise<string> => {
  let sender: Program | undefined
  const { bridge } = await rtp.open(`${from}timeout=1`, [`${name}.flv`], peer => {
    sender ??= send(peer)
  })
  if (name.includes('gstreamer')) {
    await until('three seconds of it', () => (bridge.info().legs[0]?.stats?.units ?? 0) > 250)
    await sender!.stop()
  }
  const reason = await bridge.closed
  expect(`${reason.detail}; ${sender!.output().slice(-500)}`).toContain('nothing came for 1 s')
  return join(rtp.folder, `${name}.flv`)
}

/** As it is told in the API. */
const asTold =
  (program: PeerCommand['program']) =>
  (peer: PeerDescription): Program =>
    rtp.run(peer, program, rtp.folder)

const copying = (target: string) => (): Program =>
  startProgram('ffmpeg', [
    ...['-v', 'error', '-re', '-i', join(rtp.folder, 'input.mp4'), '-c', 'copy'],
    ...['-f', 'mpegts', target],
  ])

test.concurrent('B-frames and AAC over UDP arrive packet by packet, decode without a word, and stay together', async () => {
  const port = await freePairs(1)
  const path = await record(
    'udp',
    `udp://127.0.0.1:${port}?`,
    copying(`udp://127.0.0.1:${port}?pkt_size=1316`),
  )
  const { pictures, seconds } = await decoded(path)
  // The first second may have gone before the first key frame.
  expect(pictures).toBeGreaterThan((SECONDS - 1.2) * 30)
  expect(seconds).toBeGreaterThan(SECONDS - 1.2)
  expect(Math.abs(await soundDelay(path))).toBeLessThan(0.04)
  const order = await runProgram('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pict_type', '-of', 'csv=p=0', path],
  ])
  expect(order).toContain('B')
}, 60_000)

test.concurrent('RTP with payload type 33, by the command that the gateway tells', async () => {
  const port = await freePairs(1)
  const path = await record('rtp', `rtp://127.0.0.1:${port}?codec=mp2t&`, asTold('ffmpeg'))
  const { pictures } = await decoded(path, TOLERATED)
  expect(pictures).toBeGreaterThan((SECONDS - 2.5) * 30)
  expect(Math.abs(await soundDelay(path))).toBeLessThan(0.04)
}, 60_000)

test.concurrent('GStreamer over UDP, by the command that the gateway tells', async () => {
  const port = await freePairs(1)
  const path = await record('gstreamer', `udp://127.0.0.1:${port}?`, asTold('gstreamer'))
  const { pictures, seconds } = await decoded(path, TOLERATED)
  expect(pictures).toBeGreaterThan(30)
  expect(seconds).toBeGreaterThan(1)
}, 60_000)
