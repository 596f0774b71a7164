/** A film of ffmpeg's goes by RTMP through a gateway within this process and comes out as a file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.ts'
import type { SubscriberInfo, SubscriptionStats } from '../../core/types.ts'
import { GatewayError, toGatewayError } from '../../errors.ts'
import { createGateway, type Gateway } from '../../gateway.ts'
import { startChild } from '../../transcode/child.ts'
import { doorUrl } from '../banner.ts'
import { exitCodeOf } from '../exit-codes.ts'
import type { Finding } from './finding.ts'

const stream = 'live/doctor'
const filmSeconds = 2
const limitUs = 30_000_000

const film = (path: string): readonly string[] => [
  ...['-hide_banner', '-loglevel', 'error'],
  ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-f', 'lavfi', '-i', 'sine=sample_rate=48000'],
  ...['-t', String(filmSeconds), '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '30'],
  ...['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-f', 'flv', path],
]

const makeFilm = (ffmpeg: string, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const onExit = (why: string): void => {
      if (why === 'exited with code 0') resolve()
      else reject(new GatewayError('dependency-missing', `${ffmpeg} ${why}: ${child.stderr.at(-1) ?? ''}`))
    }
    const child = startChild(ffmpeg, film(path), systemClock, { onData: () => undefined, onExit })
  })

/** What has reached the file when the publisher has left; `late` when that does not happen. */
const untilReceived = (gateway: Gateway, late: () => GatewayError): Promise<SubscriptionStats | undefined> =>
  new Promise((resolve, reject) => {
    const cancel = systemClock.after(limitUs, () => reject(late()))
    const done = (name: string, reader: SubscriberInfo | undefined): void => {
      if (name !== stream) return
      cancel()
      resolve(reader?.stats)
    }
    gateway.registry.on('stream:waiting', ({ name, subscribers }) => done(name, subscribers[0]))
    gateway.registry.on('subscriber:left', ({ name }, _label, _reason, reader) => done(name, reader))
  })

interface Carried {
  readonly sent: number
  readonly received: number
}

const carry = async (gateway: Gateway, folder: string): Promise<Carried> => {
  const resolveFile = (name: string): string => join(folder, name)
  const received = untilReceived(gateway, () => new GatewayError('timeout', 'nothing came through'))
  gateway.bridges.start({ from: `stream:${stream}`, to: ['out.flv'], resolveFile })
  const to = [`${doorUrl(gateway, 'rtmp')}/${stream}`]
  const push = await gateway.bridges.open({ from: 'film.flv', to, retry: false, resolveFile })
  const stats = await received
  return { sent: push.info().legs[0]?.stats?.units ?? 0, received: stats?.units ?? 0 }
}

const loopback = { host: '127.0.0.1', port: 0 }
const run = async (ffmpeg: string, folder: string): Promise<Carried> => {
  await makeFilm(ffmpeg, join(folder, 'film.flv'))
  await using gateway = await createGateway({
    http: { listen: loopback },
    rtmp: { listen: loopback },
    webrtc: { listen: null },
    recordings: { directory: folder },
    log: { level: 'silent' },
  })
  return await carry(gateway, folder)
}

/** `ffmpeg` is its path. */
export const checkBridge = async (ffmpeg: string): Promise<Finding> => {
  const check = 'self-test'
  const beganMs = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'crosspoint-doctor-'))
  try {
    const { sent, received } = await run(ffmpeg, folder)
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1)
    const detail = `file → RTMP → file: ${sent} frames sent, ${received} received, ${seconds} s`
    if (sent > 0 && received === sent) return { check, state: 'ok', detail }
    return { check, state: 'warn', detail, mend: 'is the machine overloaded? Try again when it is idle' }
  } catch (error) {
    const { message } = toGatewayError(error)
    const mend = 'mend what else has failed here first; a firewall may forbid loopback'
    return { check, state: 'fail', detail: message, mend, exitCode: exitCodeOf(error) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
