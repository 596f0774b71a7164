/** A gateway's calls on a network in memory, with ports that only count, on a clock that the test turns. */

import type { AdapterContext } from '../../src/adapters/adapter.ts'
import type { CallEvent } from '../../src/adapters/call-desk.ts'
import { type SipConfig, sipConfig } from '../../src/adapters/sip/config.ts'
import { createSignalling } from '../../src/adapters/sip/create-signalling.ts'
import { Switchboard } from '../../src/adapters/sip/switchboard.ts'
import { createRegistry } from '../../src/core/registry.ts'
import { createScope } from '../../src/core/scope.ts'
import type { Publication, TrackWriter } from '../../src/core/types.ts'
import type {
  RtpAgreement,
  RtpEndpoint,
  RtpEndpointOptions,
  RtpPorts,
} from '../../src/rtp-session/plain/types.ts'
import type { ManualClock } from './manual-clock.ts'
import type { SipNetwork } from './sip-network.ts'
import { quietLog } from './sip-peer.ts'

export interface CountedEndpoint extends RtpEndpoint {
  readonly options: RtpEndpointOptions
  /** What was last agreed. */
  agreement: RtpAgreement | undefined
  lastPacketAt: number
  /** Packets sent, and key frames asked for. */
  sent: number
  asked: number
}

export interface CountedPorts extends RtpPorts {
  readonly opened: Set<CountedEndpoint>
}

const noStats = {
  ...{ received: undefined, sent: undefined, strangers: 0, refused: 0, wrongPayloadType: 0, malformed: 0 },
  ...{
    unauthentic: 0,
    unsent: 0,
    keyframesAsked: 0,
    keyframesWanted: 0,
    source: undefined,
    target: undefined,
  },
  latched: false,
  comfortNoise: 0,
  halvedClock: false,
}

export const createCountedPorts = (clock: ManualClock): CountedPorts => {
  const open = new Set<CountedEndpoint>()
  let next = 20_000
  return {
    opened: open,
    get size() {
      return open.size
    },
    open(options) {
      next += 2
      const port = next
      const endpoint: CountedEndpoint = {
        ...{ options, host: options.host, port, rtcpPort: port + 1, ssrc: port },
        ...{ stats: noStats, lastPacketAt: clock.now(), agreement: undefined, sent: 0, asked: 0 },
        agree: agreement => {
          endpoint.agreement = agreement
        },
        send: () => ({ write: () => void endpoint.sent++, retarget: () => undefined }),
        requestKeyframe: () => {
          endpoint.asked++
          return endpoint.agreement?.feedback.includes('nack pli') ?? false
        },
        close: () => void open.delete(endpoint),
      }
      open.add(endpoint)
      return endpoint
    },
    close: () => open.clear(),
  }
}

export interface TestBoard {
  readonly board: Switchboard
  readonly config: SipConfig
  readonly ports: CountedPorts
  readonly events: CallEvent[]
  readonly registry: AdapterContext['registry']
  /** Of the stream that was published last, if it has pictures. */
  readonly videoWriter: TrackWriter<'rtp'> | undefined
  /** A stream with sound, G.711, and pictures if wanted. */
  publish(name: string, video?: { onKeyframeRequest: () => void }): Publication
  close(): Promise<void>
}

export const openBoard = async (
  clock: ManualClock,
  network: SipNetwork,
  section: object,
  host = '10.0.0.1',
  more: Pick<AdapterContext, 'resolveForPeers' | 'admitCall'> = {},
): Promise<TestBoard> => {
  const config = sipConfig.parse({ listen: { host, port: 5060 }, ...section })
  const registry = createRegistry({ clock })
  const scope = createScope('test')
  const ports = createCountedPorts(clock)
  const events: CallEvent[] = []
  const board = await Switchboard.open({
    context: {
      ...{ registry, scope, clock, log: quietLog },
      http: { route: () => undefined },
      authorize: async () => undefined,
      ...more,
    },
    config,
    tell: event => void events.push(event),
    ports,
    openSignalling: options =>
      createSignalling(
        { ...options, addresses: options.addresses.filter(({ transport }) => transport === 'udp') },
        { openUdpPort: network.open },
      ),
  })
  let videoWriter: TrackWriter<'rtp'> | undefined
  return {
    ...{ board, config, ports, events, registry },
    get videoWriter() {
      return videoWriter
    },
    publish(name, video) {
      const publication = registry.publish(name, { label: 'test', onConflict: 'reject' })
      publication.addTrack({
        id: 'audio',
        native: 'rtp',
        params: { codec: 'pcmu', kind: 'audio', clockRate: 8000, channels: 1 },
      })
      if (video !== undefined)
        videoWriter = publication.addTrack({
          id: 'video',
          native: 'rtp',
          params: {
            ...{ codec: 'h264', kind: 'video', clockRate: 90_000, sps: undefined, pps: [] },
            ...{ profileLevelId: '42e01f', size: undefined, reordered: false, maxReorder: undefined },
          },
          ...video,
        })
      publication.ready()
      return publication
    },
    async close() {
      await scope.close({ code: 'shutdown' })
      await registry.close()
    },
  }
}

/** A telephone's description. `version` rises with each change. */
export const phoneSdp = (
  ip: string,
  version = 1,
  direction: 'sendrecv' | 'sendonly' | 'inactive' = 'sendrecv',
  {
    port = 4000,
    codec = 'pcmu',
    video = false,
  }: { port?: number; codec?: 'pcmu' | 'pcma'; video?: boolean } = {},
): string =>
  [
    'v=0',
    `o=- 7 ${version} IN IP4 ${ip}`,
    's=-',
    `c=IN IP4 ${ip}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${codec === 'pcmu' ? 0 : 8} 101`,
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    ...(video ? [`m=video ${port + 2} RTP/AVP 97`, 'a=rtpmap:97 H264/90000', `a=${direction}`] : []),
    '',
  ].join('\r\n')
