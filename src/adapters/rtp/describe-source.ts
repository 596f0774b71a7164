/** What whoever sends to a source must know. */
import { networkInterfaces } from 'node:os'
import { describeCodec } from '../../media/sdp/describe-codec.ts'
import type { PeerDescription } from '../adapter.ts'
import { describeSession } from './describe-session.ts'
import type { DescribedSession, DescribedStream } from './described.ts'
import type { SourceDescription, SourceLine } from './description.ts'
import { sendCommands } from './send-commands.ts'

/** As large as a path of WebRTC carries, so that packets go on as they are. */
const PACKET_BYTES = 1200
const TTL = 16
const TRANSPORT = { codec: 'mp2t', name: 'MP2T', clockRate: 90_000, channels: 1, fmtp: '' } as const

/** Where others reach this machine, when it listens everywhere: its first address that is not its own alone. */
export const reachable = (host: string): string => {
  if (host !== '0.0.0.0' && host !== '::') return host
  const family = host === '::' ? 'IPv6' : 'IPv4'
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  const outside = all.find(each => each.family === family && !each.internal && !/^fe80/i.test(each.address))
  return outside?.address ?? (host === '::' ? '::1' : '127.0.0.1')
}

const streamOf = ({ formats, port, rtcpPort, feedback, sdes }: SourceLine): DescribedStream => {
  const { format, params } = formats[0]!
  const { payloadType } = format
  const described =
    params === undefined ? TRANSPORT : { channels: 1, ...describeCodec(params), codec: params.codec }
  return {
    ...described,
    kind: params?.kind === 'audio' ? 'audio' : 'video',
    ...{ payloadType, port, feedback },
    rtcpPort: rtcpPort === null ? port : (rtcpPort ?? port + 1),
    crypto: sdes && { tag: 1, suite: sdes.suite, keySalt: sdes.remote },
  }
}

const secretsOf = ({ lines }: SourceDescription): readonly string[] =>
  lines.flatMap(({ sdes }) => {
    const key = sdes && Buffer.from(sdes.remote)
    return key === undefined ? [] : [key.toString('base64'), key.toString('hex')]
  })

/** How RTP must be sent to us. */
export const describeSource = (source: SourceDescription): PeerDescription => {
  const session: DescribedSession = {
    name: source.label,
    address: reachable(source.lines[0]!.host),
    ...{ ttl: TTL, packetBytes: PACKET_BYTES, direction: 'recvonly', sdpFile: '' },
    streams: source.lines.map(streamOf),
  }
  return {
    does: 'send',
    sdp: describeSession(session),
    commands: sendCommands(session),
    secrets: secretsOf(source),
  }
}

/** How a transport stream must be sent to us in plain UDP, which no session description tells. */
export const describeTransport = (name: string, host: string, port: number): PeerDescription => {
  const stream: DescribedStream = {
    ...TRANSPORT,
    ...{ kind: 'video', payloadType: 33, port, rtcpPort: port, feedback: [] },
  }
  const session: DescribedSession = {
    ...{ name, address: reachable(host), ttl: TTL, packetBytes: PACKET_BYTES, direction: 'recvonly' },
    ...{ sdpFile: '', streams: [stream], isPlain: true },
  }
  return { does: 'send', sdp: undefined, commands: sendCommands(session), secrets: [] }
}
