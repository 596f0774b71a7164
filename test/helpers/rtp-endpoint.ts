/** An endpoint of plain RTP under test, with what it told. */
import { systemClock } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/types.ts'
import type { RtpPacket } from '../../src/media/types.ts'
import { loadNative } from '../../src/native/index.ts'
import type { UdpAddress } from '../../src/native/types.ts'
import { createRtpPorts } from '../../src/rtp-session/plain/ports.ts'
import type {
  RtpAgreement,
  RtpEndpoint,
  RtpEndpointOptions,
  RtpFormat,
  RtpPorts,
} from '../../src/rtp-session/plain/types.ts'

export const pcmu: RtpFormat = { payloadType: 0, codec: 'pcmu', clockRate: 8000 }
export const pcma: RtpFormat = { payloadType: 8, codec: 'pcma', clockRate: 8000 }
export const digits: RtpFormat = { payloadType: 101, codec: 'telephone-event', clockRate: 8000 }

export interface TestEndpoint {
  readonly ports: RtpPorts
  readonly endpoint: RtpEndpoint
  readonly packets: { readonly packet: RtpPacket; readonly format: RtpFormat }[]
  readonly sources: { readonly source: UdpAddress; readonly why: string }[]
  readonly strangers: { readonly from: UdpAddress; readonly count: number }[]
  readonly reports: { readonly ts: number; readonly wall: number }[]
  readonly byes: string[]
  keyframesWanted: number
  /** First bytes of the payloads that came through. */
  payloads(): number[]
}

export const openTestEndpoint = (
  options: Partial<RtpEndpointOptions> = {},
  clock: Clock = systemClock,
): TestEndpoint => {
  const ports = createRtpPorts({ native: loadNative(), clock })
  const test: TestEndpoint = {
    ports,
    packets: [],
    sources: [],
    strangers: [],
    reports: [],
    byes: [],
    keyframesWanted: 0,
    payloads: () => test.packets.map(({ packet }) => packet.bytes[packet.payloadStart]!),
    endpoint: ports.open({
      host: '127.0.0.1',
      listener: {
        packet: (packet, format) => void test.packets.push({ packet, format }),
        senderReport: (ts, wall) => void test.reports.push({ ts, wall }),
        keyframeWanted: () => {
          test.keyframesWanted++
        },
        bye: reason => void test.byes.push(reason),
        sourceChanged: (source, why) => void test.sources.push({ source, why }),
        strangers: (from, count) => void test.strangers.push({ from, count }),
      },
      ...options,
    }),
  }
  return test
}

export const agreement = (more: Partial<RtpAgreement> = {}): RtpAgreement => ({
  receives: [pcmu],
  remote: { address: undefined, port: 0 },
  latch: 'auto',
  rtcpMux: false,
  feedback: [],
  ...more,
})
