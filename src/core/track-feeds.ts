/** The feeds of one track: the one its source writes, and those derived from it, by name. */
import type { Depacketiser, Packetiser } from '../media/rtp/types.ts'
import type { CodecParameters, Form, Frame, MediaOf, RtpPacket } from '../media/types.ts'
import type { Converters } from './converters.ts'
import { type Converter, createDerivedFeed, type DerivedFeed } from './derived-feed.ts'
import { FanFeed, type FeedOptions } from './feed.ts'
import { createGopCache, createTailCache } from './gop-cache.ts'
import { historyLengths } from './history.ts'
import { fitsProfile } from './negotiate.ts'
import type { Clock, RtpProfile } from './types.ts'

/** Loss windows of a depacketiser are looked at this often. */
const pollUs = 20_000

export interface TrackFeedsOptions {
  readonly native: Form
  /** What the source's own packets are like. */
  readonly rtp: RtpProfile | undefined
  /** The source cannot be asked for a key frame: each feed keeps what a late reader needs. */
  readonly keeps: boolean
  /** Sound of the past is kept for the picture that it goes with. */
  readonly hasPicture: () => boolean
  readonly params: () => CodecParameters
  readonly clock: Clock
  readonly lingerUs: number
  readonly converters: Converters
  /** Parameter sets found in the packets. */
  readonly onParams: (params: CodecParameters) => void
  /** Packets were lost for good: video needs a key frame. */
  readonly onLoss: () => void
}

export class TrackFeeds {
  readonly native: FanFeed<Form>
  readonly #options: TrackFeedsOptions
  readonly #derived = new Map<string, DerivedFeed<Form>>()
  readonly #packetisers = new Set<Packetiser>()
  #depacketiser: Depacketiser | undefined

  constructor(options: TrackFeedsOptions) {
    this.#options = options
    this.native = new FanFeed<Form>(this.#shape(options.native))
  }

  /** Names of the derived feeds whose converter exists, now. */
  get alive(): string[] {
    return [...this.#derived].filter(([, { alive }]) => alive).map(([name]) => name)
  }

  /** What the newest depacketiser and the present packetisers have counted, as far as there was damage. */
  get damage(): Readonly<Record<string, number>> {
    const damage: Record<string, number> = {}
    for (const [name, count] of Object.entries(this.#depacketiser?.stats ?? {}))
      if (count > 0) damage[name] = count
    for (const { framesDropped } of this.#packetisers)
      if (framesDropped > 0) damage['not-packetised'] = (damage['not-packetised'] ?? 0) + framesDropped
    return damage
  }

  frames(): FanFeed<'frame'> {
    if (this.#options.native === 'frame') return this.native as FanFeed<'frame'>
    return this.#derive('depacketise', 'frame', this.native as FanFeed<'rtp'>, emit =>
      this.#depacketise(emit),
    )
  }

  packets(profile: RtpProfile): FanFeed<'rtp'> {
    const { native, params } = this.#options
    if (native === 'rtp' && fitsProfile(this.#options, profile)) return this.native as FanFeed<'rtp'>
    return this.#derive(nameOf(params(), profile), 'rtp', this.frames(), emit =>
      this.#packetise(profile, emit),
    )
  }

  /** What comes next does not continue what was kept. */
  forget(): void {
    this.native.cache?.clear()
    for (const { feed } of this.#derived.values()) feed.cache?.clear()
  }

  end(): void {
    for (const derived of this.#derived.values()) derived.end()
    this.native.forget()
  }

  #derive<From extends Form, To extends Form>(
    name: string,
    to: To,
    from: FanFeed<From>,
    make: (emit: (unit: MediaOf[To]) => void) => Converter<MediaOf[From]>,
  ): FanFeed<To> {
    let derived = this.#derived.get(name) as DerivedFeed<To> | undefined
    if (derived === undefined) {
      const { clock, lingerUs } = this.#options
      derived = createDerivedFeed({ clock, lingerUs, from, to: this.#shape(to), make })
      this.#derived.set(name, derived as unknown as DerivedFeed<Form>)
    }
    return derived.feed
  }

  #packetise(profile: RtpProfile, emit: (packet: RtpPacket) => void): Converter<Frame> {
    const packetiser = this.#options.converters.packetiser(this.#options.params(), profile, emit)
    this.#packetisers.add(packetiser)
    return { push: frame => packetiser.push(frame), close: () => void this.#packetisers.delete(packetiser) }
  }

  #depacketise(emit: (frame: Frame) => void): Converter<MediaOf['rtp']> {
    const { clock, converters, params, onParams, onLoss } = this.#options
    const depacketiser = converters.depacketiser(params(), { onFrame: emit, onParams, onLoss })
    this.#depacketiser = depacketiser
    const poll = (): void => {
      depacketiser.poll(clock.now())
      cancel = clock.after(pollUs, poll)
    }
    let cancel = clock.after(pollUs, poll)
    return { push: packet => depacketiser.push(packet, packet.arrival), close: () => cancel() }
  }

  /** What a feed of this form remembers. Sound of the past is of use to frame sinks only. */
  #shape<F extends Form>(form: F): FeedOptions<F> {
    const { keeps, hasPicture } = this.#options
    const isVideo = this.#options.params().kind === 'video'
    const cache =
      keeps && (isVideo || form === 'frame')
        ? isVideo
          ? createGopCache<MediaOf[F]>()
          : createTailCache<MediaOf[F]>(hasPicture)
        : undefined
    const historyLength = isVideo ? historyLengths.video : historyLengths.other
    return { form, cache, ...(form === 'rtp' && { historyLength }) }
  }
}

/** "packetise 1188", "packetise 1188 mode 0". */
const nameOf = ({ codec }: CodecParameters, { maxPayload, h264PacketizationMode }: RtpProfile): string =>
  codec === 'h264' && h264PacketizationMode === 0
    ? `packetise ${maxPayload} mode 0`
    : `packetise ${maxPayload}`
