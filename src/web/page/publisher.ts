/** Sends a camera or a screen over WHIP. */
import { encodeName } from './api.ts'
import { negotiate, type Session, untilConnected, untilLost } from './peer.ts'

export type Source = 'camera' | 'screen' | 'microphone'

const picture = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } }
const request: Readonly<Record<Source, (devices: MediaDevices) => Promise<MediaStream>>> = {
  camera: devices => devices.getUserMedia({ video: picture, audio: true }),
  screen: devices => devices.getDisplayMedia({ video: { frameRate: { ideal: 30 } }, audio: true }),
  microphone: devices => devices.getUserMedia({ audio: true }),
}

/** @throws Error in words for people when the browser or its user says no. */
export const capture = async (source: Source): Promise<MediaStream> => {
  const devices: MediaDevices | undefined = navigator.mediaDevices
  if (devices === undefined)
    throw new Error(
      'Browsers give a page the camera only over https or on localhost: open this page as http://localhost',
    )
  try {
    return await request[source](devices)
  } catch (error) {
    const { name, message } = error as DOMException
    if (name === 'NotAllowedError') throw new Error(`The browser was not allowed to use the ${source}`)
    if (name === 'NotFoundError')
      throw new Error(`There is no ${source === 'camera' ? 'camera or microphone' : source}`)
    throw new Error(message)
  }
}

/** H.264 first: it goes out over RTMP and into FLV files as it is. */
const preferH264 = (transceiver: RTCRtpTransceiver): void => {
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? []
  const isH264 = ({ mimeType }: { mimeType: string }): boolean => mimeType.toLowerCase() === 'video/h264'
  const ordered = [...codecs.filter(isH264), ...codecs.filter(codec => !isH264(codec))]
  if (ordered.length > 0) transceiver.setCodecPreferences(ordered)
}

const addTracks = (peer: RTCPeerConnection, media: MediaStream, source: Source): void => {
  for (const track of media.getTracks()) {
    const isVideo = track.kind === 'video'
    if (isVideo && source === 'screen') track.contentHint = 'detail'
    const transceiver = peer.addTransceiver(track, {
      direction: 'sendonly',
      streams: [media],
      ...(isVideo ? { sendEncodings: [{ maxBitrate: 3_000_000 }] } : {}),
    })
    if (isVideo) preferH264(transceiver)
  }
}

export interface Publishing extends Session {
  /** Resolves when the connection is gone. */
  readonly lost: Promise<void>
}

/** Resolves once the gateway receives. @throws Error in words for people. */
export const publish = async (name: string, media: MediaStream, source: Source): Promise<Publishing> => {
  const peer = new RTCPeerConnection()
  addTracks(peer, media, source)
  try {
    const session = await negotiate(peer, `/whip/${encodeName(name)}`)
    const lost = untilLost(peer)
    await untilConnected(peer).catch((error: unknown) => {
      session.close()
      throw error
    })
    return { ...session, lost }
  } catch (error) {
    peer.close()
    throw error
  }
}
