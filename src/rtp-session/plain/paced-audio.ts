/** Sound that leaves at an even pace: see `PacedAudio`. */
import type { Clock, TrackClock } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import type { Digit } from '../../media/dtmf/digits.ts'
import type { PressTimes } from '../../media/dtmf/event-script.ts'
import type { RtpPacket } from '../../media/types.ts'
import { eventInserts, type Insert, toneInserts } from './digit-script.ts'
import { createGapFiller, type GapFiller } from './gap-filler.ts'
import { PacedIntake } from './paced-intake.ts'
import { PacedLine } from './paced-line.ts'
import type { PacedAudio, PacedAudioStats, PacedFormat } from './paced-types.ts'
import type { SoundBlock } from './sound-queue.ts'
import type { RtpOutgoing, RtpSource } from './types.ts'

/** Silence and digits are handed to the sender so long before they leave: the event loop may be busy meanwhile. */
const AHEAD_US = 60_000
/** Sound that has not come so long before it is due is made up. */
const LEAD_US = 2000
/** A timer so late means that packets may lie unread: they are read first. */
const BLOCKED_US = 3000
/** A timer so late means more work than time: silence between what is passed on would only add to it. */
const BEHIND_US = 20_000
/** Packets follow each other faster by this share of their time while there is too much. */
const CATCH_UP = 0.05
/** More than so much behind, and packets are left out. */
const MAX_BEHIND_US = 200_000
/** Sound that says it is due later than this is not waited for. */
const MAX_AHEAD_US = 300_000
/** Sound that is due so long after the packet before it: silence leaves meanwhile. */
const PAUSE_US = 50_000
/** Packets that are passed on have not come for so long: the far side conceals no longer, and silence leaves. */
const PATIENCE_US = 100_000
const SLOT_S = 0.02
const SMOOTHING = 1 / 16

type MediaWay = 'rfc4733' | 'in-band'

const sameFormat = (a: PacedFormat, b: PacedFormat): boolean =>
  a.codec === b.codec &&
  a.clockRate === b.clockRate &&
  a.channels === b.channels &&
  a.payloadType === b.payloadType &&
  a.events?.payloadType === b.events?.payloadType &&
  a.events?.clockRate === b.events?.clockRate

class PacedStream implements PacedAudio {
  readonly sink = { write: (packet: RtpPacket): void => this.#write(packet) }
  readonly #clock: Clock
  readonly #line: PacedLine
  readonly #onTimer = (): void => this.#tick()
  #format: PacedFormat
  #filler: GapFiller
  #intake: PacedIntake
  /** true: what leaves now is not the source's; what comes next is a new beginning. */
  #isIdle = true
  #isMuted = false
  #passes = false
  #inserts: Insert[] = []
  /** Digits wait for those before. */
  #digits = Promise.resolve()
  #digitsLeft: (() => void) | undefined
  #cancel: (() => void) | undefined
  #timerUs = 0
  /** When something was found to be due: what had come until then may lie unread, and is read first. */
  #foundUs: number | undefined = 0
  #isClosed = false
  #filled = 0
  #skipped = 0
  #malformed = 0
  #delayUs = 0

  constructor(send: (source: RtpSource) => RtpOutgoing, format: PacedFormat, clock: Clock) {
    this.#clock = clock
    this.#format = format
    this.#filler = createGapFiller(format)
    this.#intake = new PacedIntake(format, this.#filler)
    this.#line = new PacedLine(send, format, clock, clock.now() + LEAD_US)
    this.#tick()
  }

  retarget(clock?: TrackClock, passes = false): void {
    this.#line.follow(clock)
    this.#passes = passes
    this.#restart()
  }

  #restart(): void {
    this.#delayUs = 0
    this.#malformed += this.#intake.malformed
    this.#filled += this.#intake.filled
    this.#intake = new PacedIntake(this.#format, this.#filler)
    this.#isIdle = true
    this.#arm()
  }

  adopt(format: PacedFormat): void {
    if (sameFormat(format, this.#format)) return
    this.#passes &&= format.codec === this.#format.codec
    this.#format = format
    this.#filler = createGapFiller(format)
    this.#inserts = []
    this.#line.adopt(format)
    this.#restart()
  }

  mute(muted: boolean): void {
    if (muted === this.#isMuted) return
    this.#isMuted = muted
    this.#restart()
  }

  pause(paused: boolean): void {
    this.#line.isPaused = paused
  }

  get digitWays(): readonly MediaWay[] {
    const { events, channels } = this.#format
    const ways: MediaWay[] = events === undefined ? [] : ['rfc4733']
    return this.#filler.encode === undefined || channels !== 1 ? ways : [...ways, 'in-band']
  }

  async sendDigits(digits: readonly Digit[], way: MediaWay, times: PressTimes = {}): Promise<void> {
    if (!this.digitWays.includes(way))
      throw new GatewayError('unsupported-codec', `digits by ${way} beside ${this.#format.codec}`)
    this.#digits = this.#digits.then(() => this.#send(this.#insertsOf(digits, way, times)))
    await this.#digits
  }

  get stats(): PacedAudioStats {
    return {
      packets: this.#line.packets,
      filled: this.#filled + this.#intake.filled,
      skipped: this.#skipped,
      malformed: this.#malformed + this.#intake.malformed,
      delayMs: this.#delayUs / 1000,
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#digitsLeft?.()
  }

  #write(packet: RtpPacket): void {
    if (this.#isClosed || this.#isMuted || (this.#passes && this.#pass(packet))) return
    const now = this.#clock.now()
    this.#intake.put(packet, now)
    this.#play(now)
  }

  /** false: it is to be paced. A sender that once sends others than whole packets is paced from then on. */
  #pass(packet: RtpPacket): boolean {
    const line = this.#line
    const ticks = this.#intake.wholeTicks(packet)
    if (ticks === 0) {
      this.#passes = false
      this.#restart()
      return false
    }
    if (this.#inserts.length > 0) return true
    const isFirst = this.#isIdle || !line.follows(packet)
    if (isFirst) line.beginPassing(packet)
    if (!line.isPaused && !line.pass(packet, ticks, isFirst)) this.#skipped += 1
    this.#isIdle = line.isPaused
    return true
  }

  /** Packets are passed on: the next one is waited for. */
  get #isPassing(): boolean {
    return this.#passes && !this.#isIdle && this.#inserts.length === 0
  }

  #play(now: number): void {
    for (let block = this.#intake.shift(); block !== undefined; block = this.#intake.shift())
      if (this.#inserts.length === 0) this.#place(block, now)
  }

  #place(block: SoundBlock, now: number): void {
    const { payload, ticks, ts } = block
    const line = this.#line
    const due = Math.min(this.#intake.dueUs(ts), now + MAX_AHEAD_US)
    const earliest = line.slotUs - (ticks * 1e6 * CATCH_UP) / this.#format.clockRate
    if (earliest - due > MAX_BEHIND_US) {
      this.#skipped += 1
      return
    }
    const at = Math.max(due, this.#isIdle ? line.slotUs : earliest)
    if (this.#isIdle) line.begin(at)
    if (payload.length === 0) line.skip(ticks, at)
    else line.send(payload, ticks, at, this.#isIdle, ts)
    this.#isIdle = false
    this.#delayUs += (Math.max(0, at - now) - this.#delayUs) * SMOOTHING
  }

  #tick(): void {
    const now = this.#clock.now()
    const lateUs = now - this.#timerUs
    const isFilling = this.#passes && this.#inserts.length === 0
    const foundUs = this.#foundUs
    const readsFirst = isFilling
      ? lateUs > BEHIND_US
      : foundUs === undefined && (lateUs > BLOCKED_US || this.#intake.isDue(now + LEAD_US))
    this.#foundUs = readsFirst && !isFilling ? now : undefined
    if (!readsFirst) this.#goOn(now, foundUs ?? now)
    const againUs = isFilling ? now + BEHIND_US : now
    this.#arm(readsFirst ? againUs : undefined)
  }

  /** `readUs`: what had come by then has been read. */
  #goOn(now: number, readUs: number): void {
    if (this.#isPassing && now < this.#line.slotUs + PATIENCE_US) return
    this.#intake.conceal(readUs + LEAD_US)
    this.#play(now)
    while (this.#inserts.length > 0 && this.#line.slotUs < now + AHEAD_US)
      this.#insert(this.#inserts.shift()!)
    const wanted = now + this.#silenceAheadUs
    if (this.#inserts.length === 0) while (this.#line.slotUs < wanted && this.#isPausing) this.#silence(now)
  }

  /** Silence that waits to leave would hold up what is passed on. */
  get #silenceAheadUs(): number {
    return this.#passes ? LEAD_US : AHEAD_US
  }

  get #isPausing(): boolean {
    const wake = this.#intake.wakeUs
    return wake === undefined || wake - this.#line.slotUs > PAUSE_US
  }

  /** Nothing comes: silence of our own. */
  #silence(now: number): void {
    const { ticks } = this.#intake
    const at = Math.max(this.#line.slotUs, now)
    this.#isIdle = true
    this.#filled += 1
    this.#line.begin(at)
    this.#line.send(this.#filler.fill(ticks), ticks, at, false)
  }

  #insert({ payload, payloadType, marker, back }: Insert): void {
    const ticks = Math.round(this.#format.clockRate * SLOT_S)
    const at = Math.max(this.#line.slotUs, this.#clock.now())
    this.#isIdle = true
    if (marker) this.#line.begin(at)
    if (payloadType === undefined) {
      this.#line.send(payload, ticks, at, marker)
    } else {
      this.#line.sendBeside(payload, payloadType, this.#line.ts - back * ticks, at, marker)
      this.#line.skip(ticks, at)
    }
    if (this.#inserts.length === 0) this.#digitsLeft?.()
  }

  #insertsOf(digits: readonly Digit[], way: MediaWay, times: PressTimes): Insert[] {
    const { events, clockRate } = this.#format
    const { encode, rate } = this.#filler
    if (way === 'rfc4733' && events !== undefined)
      return eventInserts(digits, events, () => this.#filler.fill(Math.round(clockRate * SLOT_S)), times)
    if (encode === undefined) return []
    return toneInserts(digits, { rate, encode: pcm => encode.call(this.#filler, pcm) }, times)
  }

  /** Resolves when the last has left. */
  #send(inserts: Insert[]): Promise<void> {
    if (inserts.length === 0 || this.#isClosed) return Promise.resolve()
    this.#inserts = inserts
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#digitsLeft = () => {
      this.#digitsLeft = undefined
      if (this.#isClosed) resolve()
      else this.#clock.after(Math.max(0, this.#line.slotUs - this.#clock.now()), resolve)
    }
    this.#arm()
    return promise
  }

  /** One timer: for what is due and may not come, or to hand on silence and digits in good time. */
  #arm(atUs = this.#wakeUs): void {
    if (this.#isClosed) return
    this.#cancel?.()
    this.#timerUs = atUs
    this.#cancel = this.#clock.after(Math.max(0, atUs - this.#clock.now()), this.#onTimer)
  }

  get #wakeUs(): number {
    const { slotUs } = this.#line
    if (this.#isPassing) return slotUs + PATIENCE_US
    if (this.#inserts.length > 0) return slotUs - AHEAD_US / 2
    return this.#isPausing ? slotUs - this.#silenceAheadUs / 2 : this.#intake.wakeUs! - LEAD_US
  }
}

/** `send` is told of the source once, and gives what packets are written to. Silence leaves at once. */
export const createPacedAudio = (
  send: (source: RtpSource) => RtpOutgoing,
  format: PacedFormat,
  clock: Clock,
): PacedAudio => new PacedStream(send, format, clock)
