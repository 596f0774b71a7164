/** FLV tags in; tracks, parameters and frames out. The same for RTMP messages and for files. */
import { toGatewayError } from '../../errors.ts'
import { decodeAmf0 } from '../amf/amf0-decode.ts'
import { isAmfObject } from '../amf/value.ts'
import { createDamage } from '../damage.ts'
import { createTrackOutput, type TrackOutput } from '../track-output.ts'
import { createAudioBodyReader } from './audio-body.ts'
import { createAudioTrack } from './audio-track.ts'
import type { FlvCodec, FlvPacket, FlvTrack, PacketVisitor } from './packet.ts'
import { createAudioPayload, createVideoPayload } from './payloads.ts'
import { createTagTimeline } from './timeline.ts'
import type { FlvReader, FlvReaderEvents, FlvTag } from './types.ts'
import { createVideoBodyReader } from './video-body.ts'
import { createVideoTrack } from './video-track.ts'

/** Enhanced RTMP has room for 256 of a kind; nobody sends that many in earnest. */
const MAX_TRACKS = 16
/** Each change of codec renegotiates every reader: a source that goes on changing is not followed. */
const MAX_CHANGES = 16
interface Slot {
  readonly codec: FlvCodec
  readonly track: FlvTrack
  readonly output: TrackOutput
}

/**
 * Track ids are 'video' and 'audio', with '-1', '-2', … for the further tracks of Enhanced RTMP multitrack. A
 * track whose codec or sample rate changes goes on under its id, with `onParams`.
 */
export const createFlvReader = (events: FlvReaderEvents): FlvReader => {
  const damage = createDamage(cause => events.onDamage(cause))
  const timeline = createTagTimeline({
    onJump: ms => damage.count(ms > 0 ? 'timestamps jumped ahead' : 'timestamps stepped back'),
  })
  let timestampMs = 0
  let arrivalUs = 0

  const createSlots = (kind: 'audio' | 'video'): PacketVisitor => {
    const slots: (Slot | undefined)[] = []
    let changes = 0

    const createTrack = (codec: FlvCodec, output: TrackOutput): FlvTrack | undefined => {
      if (kind === 'video') {
        const payload = createVideoPayload(codec)
        return payload && createVideoTrack(payload, timeline.track(), output)
      }
      const payload = createAudioPayload(codec)
      return payload && createAudioTrack(payload, timeline.track(), output)
    }

    const open = (packet: FlvPacket): Slot | undefined => {
      const id = packet.track === 0 ? kind : `${kind}-${packet.track}`
      const output = slots[packet.track]?.output ?? createTrackOutput(id, events)
      const track = createTrack(packet.codec, output)
      const slot = track && { codec: packet.codec, track, output }
      slots[packet.track] = slot
      return slot
    }

    const push = (packet: FlvPacket, body: Uint8Array): string | undefined => {
      if (packet.track >= MAX_TRACKS) return `more than ${MAX_TRACKS} ${kind} tracks`
      let slot = slots[packet.track]
      if (slot?.codec !== packet.codec) {
        if (slot?.output.announced && changes++ >= MAX_CHANGES) return `${kind} changed its codec too often`
        slot = open(packet)
      }
      if (slot === undefined) return `${kind} codec ${packet.codec} is not supported`
      return slot.track.push(packet, body, timestampMs, arrivalUs)
    }

    return {
      onPacket(packet, body) {
        const cause = push(packet, body)
        if (cause !== undefined) damage.count(cause)
      },
      onLost(cause) {
        for (const slot of slots) slot?.track.interrupt()
        damage.count(cause)
      },
      onRefused: damage.count,
    }
  }

  const readVideo = createVideoBodyReader(createSlots('video'))
  const readAudio = createAudioBodyReader(createSlots('audio'))

  /** Script data (E.4.4): a name and a value. RTMP publishers put '@setDataFrame' in front. */
  const readScript = (body: Uint8Array): void => {
    try {
      const values = decodeAmf0(body)
      const at = values[0] === '@setDataFrame' ? 1 : 0
      const data = values[at + 1]
      if (values[at] === 'onMetaData' && isAmfObject(data)) events.onMetadata(data)
    } catch (error) {
      damage.count(toGatewayError(error).message)
    }
  }

  return {
    push(tag: FlvTag, arrival: number) {
      timestampMs = tag.timestampMs
      arrivalUs = arrival
      if (tag.type === 9) readVideo(tag.body)
      else if (tag.type === 8) readAudio(tag.body)
      else readScript(tag.body)
    },
    damage: damage.counts,
  }
}
