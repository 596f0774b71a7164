/** The RTCP that an endpoint reads: reports on what it sent, times of what it receives, requests, farewells. */
import { readRtcp } from '../../media/rtcp/read.ts'
import type { ReportBlock, RtcpPacket } from '../../media/rtcp/types.ts'
import type { Incoming } from './incoming.ts'
import type { Outgoing } from './outgoing.ts'
import type { RtpEndpointListener } from './types.ts'

export class Feedback {
  keyframesWanted = 0
  readonly #ssrc: number
  readonly #incoming: Incoming
  readonly #listener: RtpEndpointListener
  readonly #outgoing: () => Outgoing | undefined

  constructor(
    ssrc: number,
    incoming: Incoming,
    listener: RtpEndpointListener,
    outgoing: () => Outgoing | undefined,
  ) {
    this.#ssrc = ssrc
    this.#incoming = incoming
    this.#listener = listener
    this.#outgoing = outgoing
  }

  /** A compound packet in the clear. */
  read(bytes: Uint8Array, nowUs: number): void {
    for (const packet of readRtcp(bytes)) this.#one(packet, nowUs)
  }

  #one(packet: RtcpPacket, nowUs: number): void {
    switch (packet.type) {
      case 'sender-report':
        this.#incoming.senderReport(packet, nowUs)
        this.#reported(packet.blocks, nowUs)
        break
      case 'receiver-report':
        this.#reported(packet.blocks, nowUs)
        break
      case 'nack':
        if (packet.media === this.#ssrc) this.#outgoing()?.nacked(packet.sequences, nowUs)
        break
      case 'picture-loss':
        if (packet.media === this.#ssrc) this.#wanted()
        break
      case 'full-intra-request':
        if (packet.requests.some(({ ssrc }) => ssrc === this.#ssrc)) this.#wanted()
        break
      case 'bye':
        if (this.#incoming.bye(packet.ssrcs)) this.#listener.bye?.(packet.reason)
    }
  }

  #reported(blocks: readonly ReportBlock[], nowUs: number): void {
    for (const block of blocks) if (block.ssrc === this.#ssrc) this.#outgoing()?.reported(block, nowUs)
  }

  #wanted(): void {
    this.keyframesWanted++
    this.#listener.keyframeWanted?.()
  }
}
