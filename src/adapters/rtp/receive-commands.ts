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

const sourceOf = ({ address }: DescribedSession, port: number, caps: string): string => {
  const group = isMulticast(address) ? `address=${address} auto-multicast=true ` : ''
  return `udpsrc ${group}port=${port}${caps === '' ? '' : ` caps='${caps}'`}`
}

const branch = (session: DescribedSession, stream: DescribedStream): string => {
  const opened = stream.crypto === undefined ? '' : 'srtpdec ! '
  const source = sourceOf(session, stream.port, capsOf(stream))
  return `${source} ! ${opened}rtpjitterbuffer ! ${DEPAYLOADERS[stream.codec]} ! queue ! mux.`
}

/** One stream of an rtpbin, which reports, and asks for key frames and lost packets. */
const session = (told: DescribedSession, stream: DescribedStream, index: number): string => {
  const { port, rtcpPort, payloadType, ssrc, reports, codec } = stream
  const asked = stream.feedback.map(word => `rtcp-fb-${word.replace(' ', '-')}=(boolean)true`)
  return [
    `${sourceOf(told, port, [capsOf(stream), ...asked].join(','))} ! bin.recv_rtp_sink_${index}`,
    `bin.recv_rtp_src_${index}_${ssrc}_${payloadType} ! ${DEPAYLOADERS[codec]} ! queue ! mux.`,
    ...(rtcpPort === port ? [] : [`${sourceOf(told, rtcpPort, '')} ! bin.recv_rtcp_sink_${index}`]),
    `bin.send_rtcp_src_${index} ! udpsink host=${reports!.address} port=${reports!.port} sync=false async=false`,
  ].join(' ')
}

/** There is something to ask for, somebody to ask, and nothing to encrypt. */
const isAnswered = ({ address, streams }: DescribedSession): boolean =>
  !isMulticast(address) &&
  streams.some(({ feedback }) => feedback.length > 0) &&
  streams.every(
    ({ crypto, reports, ssrc }) => crypto === undefined && reports !== undefined && ssrc !== undefined,
  )

/** `-e`: Ctrl-C ends the file properly. */
const gstreamerLine = (told: DescribedSession): string | undefined => {
  const { streams } = told
  if (streams.some(({ codec }) => DEPAYLOADERS[codec] === undefined)) return undefined
  const start = 'gst-launch-1.0 -e matroskamux name=mux ! filesink location=received.mkv'
  if (!isAnswered(told)) return [start, ...streams.map(stream => branch(told, stream))].join(' ')
  const bin = 'rtpbin name=bin rtp-profile=avpf do-retransmission=true'
  return [start, bin, ...streams.map((stream, index) => session(told, stream, index))].join(' ')
}

/** Commands that receive the session into `received.mkv`; those that no release of the program can do are left out. */
export const receiveCommands = (session: DescribedSession): readonly PeerCommand[] => {
  const gstreamer = gstreamerLine(session)
  return [
    { program: 'ffmpeg', line: ffmpegLine(session) },
    ...(gstreamer === undefined ? [] : [{ program: 'gstreamer', line: gstreamer } as const]),
  ]
}
