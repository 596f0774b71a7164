/** What sends a session that we receive. */
import type { PeerCommand } from '../adapter.ts'
import { commandLine } from './command-line.ts'
import { type DescribedSession, type DescribedStream, isMulticast, urlHost } from './described.ts'

const words = (text: string): readonly string[] => text.split(' ')

/** Encoders of ffmpeg; absent: its RTP does not have the codec. */
const ffmpegEncoder = ({ codec, clockRate, channels }: DescribedStream): string | undefined => {
  switch (codec) {
    case 'h264':
      return '-c:v libx264 -preset veryfast -tune zerolatency -g 60 -pix_fmt yuv420p'
    case 'h265':
      return '-c:v libx265 -preset ultrafast -tune zerolatency -g 60 -pix_fmt yuv420p'
    case 'vp8':
      return '-c:v libvpx -deadline realtime -cpu-used 8 -g 60 -b:v 1M'
    case 'vp9':
      return '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 60 -b:v 1M -strict experimental'
    case 'opus':
      return '-c:a libopus -b:a 96k -ar 48000 -ac 2'
    case 'aac':
      return `-c:a aac -b:a 128k -ar ${clockRate} -ac ${channels}`
    case 'pcmu':
      return `-c:a pcm_mulaw -ar ${clockRate} -ac ${channels}`
    case 'pcma':
      return `-c:a pcm_alaw -ar ${clockRate} -ac ${channels}`
    case 'g722':
      return '-c:a g722 -ar 16000 -ac 1'
    case 'l16':
      return `-c:a pcm_s16be -ar ${clockRate} -ac ${channels}`
    case 'mp2t':
      return '-c:v libx264 -preset veryfast -tune zerolatency -g 60 -pix_fmt yuv420p -c:a aac -b:a 128k'
    default:
      return undefined
  }
}

const ffmpegUrl = (session: DescribedSession, stream: DescribedStream): string => {
  const { address, ttl, packetBytes } = session
  const options = [
    `pkt_size=${session.isPlain ? 1316 : packetBytes}`,
    ...(isMulticast(address) ? [`ttl=${ttl}`] : []),
    ...(session.isPlain || stream.rtcpPort === stream.port + 1 ? [] : [`rtcpport=${stream.rtcpPort}`]),
  ]
  const scheme = session.isPlain ? 'udp' : stream.crypto === undefined ? 'rtp' : 'srtp'
  return `${scheme}://${urlHost(address)}:${stream.port}?${options.join('&')}`
}

const ffmpegMuxer = (
  session: DescribedSession,
  { codec, payloadType, crypto }: DescribedStream,
): string[] => {
  if (codec === 'mp2t') return ['-f', session.isPlain ? 'mpegts' : 'rtp_mpegts']
  const key = crypto && Buffer.from(crypto.keySalt).toString('base64')
  return [
    ...['-f', 'rtp', '-payload_type', String(payloadType)],
    ...(crypto === undefined ? [] : ['-srtp_out_suite', crypto.suite, '-srtp_out_params', key!]),
  ]
}

const ffmpegLine = (session: DescribedSession): string | undefined => {
  const outputs = session.streams.map(stream => {
    const encoder = ffmpegEncoder(stream)
    if (encoder === undefined) return undefined
    const map = stream.codec === 'mp2t' ? [] : ['-map', `0:${stream.kind[0]}:0`]
    return [...map, ...words(encoder), ...ffmpegMuxer(session, stream), ffmpegUrl(session, stream)]
  })
  if (outputs.includes(undefined)) return undefined
  return commandLine('ffmpeg', '-re', '-i', 'input.mp4', ...outputs.flatMap(output => output!))
}

const PICTURE = 'videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1'
const sound = (format: string): string =>
  `audiotestsrc is-live=true ! audioconvert ! audioresample ! audio/x-raw,${format}`

/** Elements of GStreamer 1.22 up to the packets, without their options for payload type and size. */
const gstreamerEncoder = ({ codec, clockRate, channels }: DescribedStream): string | undefined => {
  const format = `rate=${clockRate},channels=${channels}`
  switch (codec) {
    case 'h264':
      return `${PICTURE} ! x264enc tune=zerolatency speed-preset=veryfast key-int-max=60 bitrate=1000 ! rtph264pay config-interval=-1 aggregate-mode=zero-latency`
    case 'h265':
      return `${PICTURE} ! x265enc tune=zerolatency speed-preset=ultrafast key-int-max=60 bitrate=1000 ! rtph265pay config-interval=-1`
    case 'vp8':
      return `${PICTURE} ! vp8enc deadline=1 keyframe-max-dist=60 target-bitrate=1000000 ! rtpvp8pay picture-id-mode=2`
    case 'vp9':
      return `${PICTURE} ! vp9enc deadline=1 cpu-used=8 keyframe-max-dist=60 target-bitrate=1000000 ! rtpvp9pay picture-id-mode=2`
    case 'opus':
      return `${sound('rate=48000,channels=2')} ! opusenc bitrate=96000 ! rtpopuspay`
    case 'aac':
      return `${sound(format)} ! avenc_aac bitrate=128000 ! aacparse ! rtpmp4gpay`
    case 'pcmu':
      return `${sound(format)} ! mulawenc ! rtppcmupay`
    case 'pcma':
      return `${sound(format)} ! alawenc ! rtppcmapay`
    case 'g722':
      return `${sound('rate=16000,channels=1')} ! avenc_g722 ! rtpg722pay`
    case 'l16':
      return `${sound(`format=S16BE,${format}`)} ! rtpL16pay`
    default:
      return undefined
  }
}

const sink = ({ address, ttl }: DescribedSession, port: number): string => {
  const group = isMulticast(address) ? ` auto-multicast=true ttl-mc=${ttl}` : ''
  return `udpsink host=${address} port=${port}${group}`
}

const seal = ({ crypto }: DescribedStream): string => {
  if (crypto === undefined) return ''
  const auth = crypto.suite === 'AES_CM_128_HMAC_SHA1_80' ? 'hmac-sha1-80' : 'hmac-sha1-32'
  const key = Buffer.from(crypto.keySalt).toString('hex')
  return ` ! srtpenc key=${key} rtp-cipher=aes-128-icm rtp-auth=${auth} rtcp-cipher=aes-128-icm rtcp-auth=hmac-sha1-80`
}

const gstreamerTransport = (session: DescribedSession, stream: DescribedStream): string => {
  const pay = session.isPlain ? '' : ` ! rtpmp2tpay pt=${stream.payloadType}`
  return [
    `gst-launch-1.0 mpegtsmux name=mux alignment=7${pay} ! ${sink(session, stream.port)}`,
    `${PICTURE} ! x264enc tune=zerolatency speed-preset=veryfast key-int-max=60 bitrate=1000 ! h264parse ! queue ! mux.`,
    `${sound('rate=48000,channels=2')} ! avenc_aac ! aacparse ! queue ! mux.`,
  ].join(' ')
}

const gstreamerLine = (session: DescribedSession): string | undefined => {
  const [first] = session.streams
  if (first?.codec === 'mp2t') return gstreamerTransport(session, first)
  const branches = session.streams.map(stream => {
    const encoder = gstreamerEncoder(stream)
    return (
      encoder &&
      `${encoder} pt=${stream.payloadType} mtu=${session.packetBytes}${seal(stream)} ! ${sink(session, stream.port)}`
    )
  })
  return branches.includes(undefined) ? undefined : `gst-launch-1.0 ${branches.join(' ')}`
}

/**
 * Commands that send what the session describes: ffmpeg a file `input.mp4`, GStreamer a test picture and tone. Those
 * that no release of the program can do are left out.
 */
export const sendCommands = (session: DescribedSession): readonly PeerCommand[] => {
  const ffmpeg = ffmpegLine(session)
  const gstreamer = gstreamerLine(session)
  return [
    ...(ffmpeg === undefined ? [] : [{ program: 'ffmpeg', line: ffmpeg } as const]),
    ...(gstreamer === undefined ? [] : [{ program: 'gstreamer', line: gstreamer } as const]),
  ]
}
