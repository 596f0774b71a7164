/** Live sources made in the test: a picture every 33 ms, sound that comes and goes, key frames on request. */
import type { Publication, TrackWriter } from '../../src/core/types.ts'
import { createPacketiser } from '../../src/media/rtp/packetise.ts'
import type { Frame } from '../../src/media/types.ts'
import { aacFrames, h264Frames } from './media-fixtures.ts'

const pictureMs = 1000 / 30
const nowUs = (): number => Math.floor(performance.now() * 1000)

/** Calls `step` with 0, 1, 2 … at a steady rate, without falling behind. */
const steadily = (everyMs: number, step: (i: number) => void): (() => void) => {
  const start = performance.now()
  let done = 0
  const timer = setInterval(() => {
    for (; done * everyMs <= performance.now() - start; done++) step(done)
  }, 5)
  return () => clearInterval(timer)
}

const at = (frame: Frame, ts: number): Frame => ({ ...frame, pts: ts, dts: ts, arrival: nowUs() })

const pictures = () => {
  const frames = h264Frames('h264-baseline')
  return { key: frames[0]!, deltas: frames.filter(({ key }) => !key) }
}

export interface FrameSource {
  addAudio(): void
  muteAudio(): void
  readonly audioFrames: number
  stop(): void
}

/** H.264 in frames with a key frame every second; AAC when it is added. */
export const startFrames = (publication: Publication): FrameSource => {
  const { key, deltas } = pictures()
  const sounds = aacFrames('aac-44100-stereo')
  const video = publication.addTrack({ id: 'video', native: 'frame', params: key.params })
  publication.ready()
  const began = performance.now()
  const stops = [
    steadily(pictureMs, i => {
      const frame = i % 30 === 0 ? key : deltas[i % deltas.length]!
      video.write(at(frame, i * 3000))
    }),
  ]
  let audioFrames = 0
  let stopAudio = (): void => undefined
  let audio: TrackWriter<'frame'> | undefined
  return {
    addAudio() {
      const { params } = sounds[0]!
      audio = publication.addTrack({ id: 'audio', native: 'frame', params })
      const first = Math.round(((performance.now() - began) * params.clockRate) / 1000)
      stopAudio = steadily((1024 * 1000) / params.clockRate, i => {
        audioFrames++
        audio!.write(at(sounds[i % sounds.length]!, first + i * 1024))
      })
      stops.push(() => stopAudio())
    },
    muteAudio: () => stopAudio(),
    get audioFrames() {
      return audioFrames
    },
    stop() {
      for (const stop of stops) stop()
    },
  }
}

/** H.264 in RTP packets, as a browser sends it: a key frame at first, then only when it is asked for one. */
export const startPackets = (publication: Publication): { readonly requests: number; stop(): void } => {
  const { key, deltas } = pictures()
  const { params } = key
  let requests = 0
  let wanted = true
  const track = publication.addTrack({
    id: 'video',
    native: 'rtp',
    params,
    onKeyframeRequest: () => {
      requests++
      // There and back again.
      setTimeout(() => {
        wanted = true
      }, 50)
    },
  })
  publication.ready()
  const packetiser = createPacketiser(params, { maxPayload: 1188 }, packet => void track.write(packet))
  const stop = steadily(pictureMs, i => {
    packetiser.push(at(wanted ? key : deltas[i % deltas.length]!, i * 3000))
    wanted = false
  })
  return {
    get requests() {
      return requests
    },
    stop,
  }
}
