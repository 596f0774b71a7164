/** Sound through the voice transcoder as a gateway runs it, on a clock that the test turns. */
import { createRegistry } from '../../src/core/registry.ts'
import { closable, createScope } from '../../src/core/scope.ts'
import type { Accept, Egress, Transcoder } from '../../src/core/types.ts'
import type { CodecParameters, Frame, RtpPacket } from '../../src/media/types.ts'
import { createVoiceTranscoder, type VoiceTranscoder } from '../../src/transcode/voice/voice-transcoder.ts'
import { ManualClock, settle } from './manual-clock.ts'

export const START_US = 1_000_000

/** A packet as it comes off the network; `seq` and `ts` unwrapped. */
export const rtpPacket = (payload: Uint8Array, seq: number, ts: number, arrival: number): RtpPacket => {
  const bytes = new Uint8Array(12 + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, 0x80)
  view.setUint16(2, seq & 0xffff)
  view.setUint32(4, ts >>> 0)
  bytes.set(payload, 12)
  const range = { payloadStart: 12, payloadEnd: bytes.length }
  return { bytes, ...range, seq, ts, marker: false, key: true, head: true, arrival }
}

/** Frames one after the other as packets that arrive evenly, each when its last sample was spoken. */
export const packetsOf = (frames: readonly Frame[], firstSeq = 65_530, firstTs = 0xffff_ff00): RtpPacket[] =>
  frames.map((frame, i) => {
    const spokenUs = ((frame.pts + frame.duration) * 1e6) / frame.params.clockRate
    return rtpPacket(frame.units[0]!, firstSeq + i, firstTs + frame.pts, START_US + Math.round(spokenUs))
  })

export interface Heard {
  readonly frame: Frame
  readonly atUs: number
}

const never: Transcoder = {
  name: 'never',
  cost: () => undefined,
  open: () => Promise.reject(new Error('nobody stands in')),
}

export const createTestVoice = (clock: ManualClock, log: string[] = []): VoiceTranscoder => {
  const note = (_: object, message: string): void => void log.push(message)
  return createVoiceTranscoder({ clock, log: { info: note, warn: note }, instead: never })
}

export interface VoiceRun {
  readonly heard: readonly Heard[]
  readonly transcoder: VoiceTranscoder
  readonly stats: ReturnType<VoiceTranscoder['running']>[number] | undefined
}

/** Writes each packet when it arrives; what comes out, and when. `lingerUs`: after the last packet. */
export const throughVoice = async (
  params: CodecParameters,
  packets: readonly RtpPacket[],
  accept: Accept,
  lingerUs = 300_000,
): Promise<VoiceRun> => {
  const clock = new ManualClock(START_US)
  const transcoder = createTestVoice(clock)
  const registry = createRegistry({ clock, transcoders: [transcoder] })
  const publication = registry.publish('calls/1', { label: 'test', onConflict: 'reject' })
  const writer = publication.addTrack({ id: 'audio', native: 'rtp', params })
  publication.ready()
  const heard: Heard[] = []
  const egress: Egress = {
    ...closable(createScope('listener')),
    label: 'listener',
    pressure: { mode: 'realtime' },
    accepts: () => [accept],
    open: tracks =>
      tracks.map(() => ({
        form: 'frame',
        sink: { write: frame => void heard.push({ frame, atUs: clock.now() }) },
      })),
  }
  await registry.subscribe('calls/1', egress, { start: 'live' })
  await settle()
  for (const packet of [...packets].sort((a, b) => a.arrival - b.arrival)) {
    clock.advance(packet.arrival - clock.now())
    writer.write(packet)
  }
  clock.advance(lingerUs)
  const [stats] = transcoder.running()
  await registry.close()
  return { heard, transcoder, stats }
}
