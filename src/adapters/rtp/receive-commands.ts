/** What records a session that we send. */
import type { PeerCommand } from '../adapter.ts'
import { commandLine } from './command-line.ts'
import { type DescribedSession, type DescribedStream, isMulticast } from './described.ts'

/** `-sdp_flags`: reports come back to where the packets come from, not to the address in the description. */
const ffmpegLine = ({ sdpFile }: DescribedSession): string =>
  commandLine(
    ...['ffmpeg', '-protocol_whitelist', 'file,udp,rtp', '-sdp_flags', 'rtcp_to_source'],
    ...['-i', sdpFile, '-c', 'copy', 'received.mkv'],
  )

/** From packets to what a Matroska file takes. Absent: GStreamer 1.22 has no element for it. */
const DEPAYLOADERS: Readonly<Record<string, string>> = {
  h264: 'rtph264depay ! h264parse',
  h265: 'rtph265depay ! h265parse',
  vp8: 'rtpvp8depay',
  vp9: 'rtpvp9depay ! vp9parse',
  opus: 'rtpopusdepay ! opusparse',
  aac: 'rtpmp4gdepay ! aacparse',
  pcmu: 'rtppcmudepay',
  pcma: 'rtppcmadepay',
  g722: 'rtpg722depay ! avdec_g722 ! audioconvert',
  l16: 'rtpL16depay ! audioconvert',
}

const field = ([key, value]: readonly [string, string]): string => `${key}=(string)${value}`

/** Sizes and modes of AAC (RFC 3640); of other codecs nothing is needed that does not come in-band. */
const formatFields = ({ codec, fmtp }: DescribedStream): string[] =>
  codec === 'aac'
    ? fmtp
        .split(';')
        .map(part => field([part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]))
    : []

const keyFields = ({ crypto, ssrc }: DescribedStream): string[] => {
  if (crypto === undefined) return []
  const auth = crypto.suite === 'AES_CM_128_HMAC_SHA1_80' ? 'hmac-sha1-80' : 'hmac-sha1-32'
  return [
    ...(ssrc === undefined ? [] : [`ssrc=(uint)${ssrc}`]),
    `srtp-key=(buffer)${Buffer.from(crypto.keySalt).toString('hex')}`,
    `srtp-cipher=(string)aes-128-icm,srtp-auth=(string)${auth}`,
    'srtcp-cipher=(string)aes-128-icm,srtcp-auth=(string)hmac-sha1-80',
  ]
}

const capsOf = (stream: DescribedStream): string =>
  [
    stream.crypto === undefined ? 'application/x-rtp' : 'application/x-srtp',
    `media=(string)${stream.kind},clock-rate=(int)${stream.clockRate}`,
    `encoding-name=(string)${stream.name.toUpperCase()},payload=(int)${stream.payloadType}`,
    ...(stream.kind === 'audio'
      ? [`encoding-params=(string)${stream.channels},channels=(int)${stream.channels}`]
      : []),
    ...formatFields(stream),
    ...keyFields(stream),
  ].join(',')

const branch = (session: DescribedSession, stream: DescribedStream): string => {
  const group = isMulticast(session.address) ? `address=${session.address} auto-multicast=true ` : ''
  const opened = stream.crypto === undefined ? '' : 'srtpdec ! '
  const source = `udpsrc ${group}port=${stream.port} caps='${capsOf(stream)}'`
  return `${source} ! ${opened}rtpjitterbuffer ! ${DEPAYLOADERS[stream.codec]} ! queue ! mux.`
}

/** `-e`: Ctrl-C ends the file properly. */
const gstreamerLine = (session: DescribedSession): string | undefined => {
  if (session.streams.some(({ codec }) => DEPAYLOADERS[codec] === undefined)) return undefined
  const branches = session.streams.map(stream => branch(session, stream))
  return `gst-launch-1.0 -e matroskamux name=mux ! filesink location=received.mkv ${branches.join(' ')}`
}

/** Commands that receive the session into `received.mkv`; those that no release of the program can do are left out. */
export const receiveCommands = (session: DescribedSession): readonly PeerCommand[] => {
  const gstreamer = gstreamerLine(session)
  return [
    { program: 'ffmpeg', line: ffmpegLine(session) },
    ...(gstreamer === undefined ? [] : [{ program: 'gstreamer', line: gstreamer } as const]),
  ]
}
