/** The media half of a gateway with calls: each call's two ends hear each other through its streams. */
import { systemClock } from '../../src/core/clock.ts'
import { createRegistry } from '../../src/core/registry.ts'
import { closable, createScope } from '../../src/core/scope.ts'
import type { Egress, Registry, Track, TrackWriter } from '../../src/core/types.ts'
import { createOpusParams } from '../../src/media/opus/parameters.ts'
import { createPcmParams } from '../../src/media/pcm/parameters.ts'
import type { CodecParameters } from '../../src/media/types.ts'
import { loadNative } from '../../src/native/index.ts'
import { createPacedAudio } from '../../src/rtp-session/plain/paced-audio.ts'
import type { PacedFormat } from '../../src/rtp-session/plain/paced-types.ts'
import { createRtpPorts } from '../../src/rtp-session/plain/ports.ts'
import type { RtpEndpoint, RtpPorts } from '../../src/rtp-session/plain/types.ts'
import { createVoiceTranscoder } from '../../src/transcode/voice/voice-transcoder.ts'

/** Ports of the far ends, two for each call; those of the first kind speak G.711. */
interface Order {
  readonly ports: readonly number[]
  readonly codecs: readonly ['pcmu', 'pcmu' | 'opus']
  /** Milliseconds for which the event loop is blocked, five times a second. */
  readonly blockedMs: number
}

const pcmu: PacedFormat = { codec: 'pcmu', clockRate: 8000, channels: 1, payloadType: 0 }
const opus: PacedFormat = { codec: 'opus', clockRate: 48_000, channels: 2, payloadType: 111 }
const formatOf = (codec: 'pcmu' | 'opus'): PacedFormat => (codec === 'pcmu' ? pcmu : opus)
const paramsOf = (codec: 'pcmu' | 'opus'): CodecParameters =>
  codec === 'pcmu' ? createPcmParams('pcmu') : createOpusParams(1)

const openEnd = (ports: RtpPorts, registry: Registry, name: string, format: PacedFormat, port: number) => {
  const { codec, clockRate, payloadType } = format
  const publication = registry.publish(name, { label: name, onConflict: 'reject' })
  const params = paramsOf(codec as 'pcmu' | 'opus')
  const writer: TrackWriter<'rtp'> = publication.addTrack({ id: 'audio', native: 'rtp', params })
  publication.ready()
  const endpoint = ports.open({
    host: '127.0.0.1',
    listener: { packet: packet => void writer.write(packet) },
  })
  endpoint.agree({
    receives: [{ payloadType, codec: codec as 'pcmu' | 'opus', clockRate }],
    remote: { address: '127.0.0.1', port },
    ...{ latch: 'off', rtcpMux: false, feedback: [] },
  })
  return endpoint
}

const hear = (
  registry: Registry,
  name: string,
  endpoint: RtpEndpoint,
  format: PacedFormat,
): Promise<unknown> => {
  const paced = createPacedAudio(source => endpoint.send(source), format, systemClock)
  const follow = (track: Track): void =>
    paced.retarget(track.clock, track.native === 'rtp' && track.derivedFrom === undefined)
  const egress: Egress = {
    ...closable(createScope(name)),
    label: name,
    pressure: { mode: 'realtime' },
    accepts: () => [{ kind: 'audio', codec: format.codec, form: 'rtp', rtp: { maxPayload: 1200 } }],
    open: tracks =>
      tracks.map(({ track }) => {
        follow(track)
        return { form: 'rtp', sink: paced.sink, retarget: next => follow(next.track) }
      }),
  }
  return registry.subscribe(name, egress, { start: 'live' })
}

const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

const run = async ({ ports: remote, codecs, blockedMs }: Order): Promise<void> => {
  const quiet = (): void => undefined
  const instead = {
    name: 'none',
    cost: () => undefined,
    open: () => Promise.reject(new Error('no ffmpeg here')),
  }
  const voice = createVoiceTranscoder({
    clock: systemClock,
    log: { info: quiet, warn: quiet },
    instead,
  })
  const registry = createRegistry({ clock: systemClock, transcoders: [voice] })
  const ports = createRtpPorts({ native: loadNative(), clock: systemClock })
  const ends: number[] = []
  for (let i = 0; i < remote.length; i += 2) {
    const formats = codecs.map(formatOf) as [PacedFormat, PacedFormat]
    const endpoints = formats.map((format, side) =>
      openEnd(ports, registry, `calls/${i}/${side}`, format, remote[i + side]!),
    ) as [RtpEndpoint, RtpEndpoint]
    await hear(registry, `calls/${i}/1`, endpoints[0], formats[0])
    await hear(registry, `calls/${i}/0`, endpoints[1], formats[1])
    ends.push(endpoints[0].port, endpoints[1].port)
  }
  if (blockedMs > 0) setInterval(() => block(blockedMs), 200)
  process.on('message', () => {
    const running = voice.running()
    const concealedMs = running.reduce((sum, { concealedMs = 0 }) => sum + concealedMs, 0)
    process.send!({ transcodes: running.length, concealedMs })
  })
  process.send!(ends)
}

process.once('message', (order: Order) => void run(order))
process.once('disconnect', () => process.exit())
