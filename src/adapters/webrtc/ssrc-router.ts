import type { RtpHeader } from '../../media/rtp/packet.ts'
import type { MediaChoice } from './answer.ts'
import { readMid } from './extensions.ts'
import type { OfferedMedia } from './offer.ts'

/** SSRCs that one publisher may bring; honest ones have two per m-line. */
const MAX_SSRCS = 64

export interface RoutedLine {
  readonly media: OfferedMedia
  readonly choice: MediaChoice
}
export interface Route<L extends RoutedLine> {
  readonly line: L
  /** It is the line's repair stream (RFC 4588). */
  readonly repair: boolean
}

const carries = ({ choice: { codec } }: RoutedLine, payloadType: number): boolean =>
  codec?.sdp.payloadType === payloadType || codec?.rtxPayloadType === payloadType

/** Which m-line a packet belongs to: looked up once per SSRC, and not at all while it stays the same. */
export class SsrcRouter<L extends RoutedLine> {
  readonly #lines: readonly L[]
  readonly #midId: number | undefined
  readonly #onNew: (line: L, ssrc: number) => void
  readonly #routes = new Map<number, Route<L>>()
  #lastSsrc = -1
  #lastRoute: Route<L> | undefined

  /** `onNew`: a line has a new media SSRC. */
  constructor(lines: readonly L[], midId: number | undefined, onNew: (line: L, ssrc: number) => void) {
    this.#lines = lines
    this.#midId = midId
    this.#onNew = onNew
  }

  route(bytes: Uint8Array, header: RtpHeader): Route<L> | undefined {
    return header.ssrc === this.#lastSsrc ? this.#lastRoute : this.#lookUp(bytes, header)
  }

  /** RFC 3550 6.6: after BYE the SSRC may come back for another purpose. */
  forget(ssrc: number): void {
    this.#routes.delete(ssrc)
    if (this.#lastSsrc === ssrc) this.#lastSsrc = -1
  }

  #lookUp(bytes: Uint8Array, header: RtpHeader): Route<L> | undefined {
    const { ssrc } = header
    const route = this.#routes.get(ssrc) ?? this.#learn(bytes, header)
    // Without a route it is asked again: probes may come before the first packet with a mid.
    if (route === undefined) return undefined
    this.#lastSsrc = ssrc
    this.#lastRoute = route
    return route
  }

  #learn(bytes: Uint8Array, header: RtpHeader): Route<L> | undefined {
    if (this.#routes.size === MAX_SSRCS) return undefined
    const line = this.#find(bytes, header)
    if (line === undefined) return undefined
    const route = { line, repair: line.choice.codec?.rtxPayloadType === header.payloadType }
    this.#routes.set(header.ssrc, route)
    if (!route.repair) this.#onNew(line, header.ssrc)
    return route
  }

  /** RFC 9143 9.2: by mid, by announced SSRC, by payload type. */
  #find(bytes: Uint8Array, { payloadType, payloadStart, ssrc }: RtpHeader): L | undefined {
    const lines = this.#lines.filter(line => carries(line, payloadType))
    const mid = this.#midId === undefined ? undefined : readMid(bytes, payloadStart, this.#midId)
    if (mid !== undefined) return lines.find(({ media }) => media.mid === mid)
    return lines.find(({ media }) => media.ssrcs.includes(ssrc)) ?? lines[0]
  }
}
