/** Ticks of one track to wall time and to the stream's own time line: anchored at once, then slewed, never jumped. */
import { LeastDelay } from './least-delay.ts'
import type { ClockAnchor, TrackClock } from './types.ts'

/** One per stream: the wall time that is stream time 0. Outlives a take-over, so output times go on. */
export interface StreamTime {
  originWall: number | undefined
}
/** One per publication: added to the sender's wall clock it gives ours. Set by the first report of any track. */
export interface SenderTime {
  offset: number | undefined
  /** Wall time up to which the publisher before has filled the time line. */
  readonly notBefore?: number | undefined
  /**
   * Added to arrival times, so that no track begins before that; the same for all, so that they stay in sync. Set by
   * the first arrival of any track.
   */
  lead?: number | undefined
}
export interface SourceClock extends TrackClock {
  readonly anchored: boolean
  /** How far the last accepted sender report was from the mapping in force, microseconds. */
  readonly syncErrorUs: number | undefined
  /** Sender reports refused as outliers. */
  readonly outliers: number
  /** The tick at which a unit that came at this wall time belongs. */
  fromArrival(wall: number): number
  /** Another publisher goes on with this track: its reports come from another wall clock. */
  newSender(sender: SenderTime): void
}

/** A report this far from the line of the reports before it is an outlier. */
const outlierUs = 300_000
/** Two clocks may drift apart this much of the time since the last report before it counts as an outlier. */
const driftRatio = 0.0005
/** So many outliers that agree with each other are the sender's clock, set anew. */
const agreeing = 3
const agreementUs = 50_000
/** Arrival contradicts the mapping by this much: the source's timestamps jumped. */
const arrivalJumpUs = 1_000_000
/** Share of media time by which the mapping moves while it corrects itself, and the one for errors above 1 s. */
const slewRatio = 0.01
const fastSlewRatio = 0.05
const fastAboveUs = 1_000_000
/** Without any sender report arrival alone tells how the source's clock drifts: more than crystals do, unseen and unheard. */
const driftSlewRatio = 0.0005
/** Networks are not more even than this. */
const driftDeadBandUs = 2_000

interface Report {
  readonly ts: number
  readonly wall: number
}

class SlewedClock implements SourceClock {
  readonly rate: number
  syncErrorUs: number | undefined
  outliers = 0
  readonly #usPerTick: number
  readonly #stream: StreamTime
  #sender: SenderTime
  /** The mapping: a line through (pivotTs, pivotWall), plus a correction that grows to `#error` behind the pivot. */
  #anchored = false
  #pivotTs = 0
  #pivotWall = 0
  #error = 0
  #slew = slewRatio
  /** The furthest tick that was ever asked for: a new correction starts behind it. */
  #furthest = Number.NEGATIVE_INFINITY
  readonly #delays = new LeastDelay()
  /** The source has sent a report: arrival is no longer needed. */
  #isReporting = false
  #report: Report | undefined
  #early: ClockAnchor | undefined
  /** What the sender's clock was set by since this track's first report. */
  #senderShift = 0
  #suspect: Report | undefined
  #suspects = 0

  constructor(rate: number, stream: StreamTime, sender: SenderTime) {
    this.rate = rate
    this.#usPerTick = 1e6 / rate
    this.#stream = stream
    this.#sender = sender
  }

  get anchored(): boolean {
    return this.#anchored
  }

  anchor(a: ClockAnchor): void {
    if (a.from === 'arrival') this.#arrived(a.ts, a.wall + this.#lead(a.wall))
    else if (this.#anchored) this.#reported(a)
    else this.#early = a
  }

  toWall(ts: number): number | undefined {
    return this.#anchored ? Math.round(this.#wallAt(ts)) : undefined
  }

  toStreamTime(ts: number): number {
    if (!this.#anchored) return Math.round(ts * this.#usPerTick)
    return Math.round(this.#wallAt(ts) - this.#stream.originWall!)
  }

  fromStreamTime(us: number): number {
    if (!this.#anchored) return Math.round(us / this.#usPerTick)
    return this.#fromWall(us + this.#stream.originWall!)
  }

  fromArrival(wall: number): number {
    return this.#fromWall(wall + this.#lead(wall))
  }

  #lead(wall: number): number {
    this.#sender.lead ??= Math.max(0, (this.#sender.notBefore ?? wall) - wall)
    return this.#sender.lead
  }

  #fromWall(wall: number): number {
    const distance = wall - this.#pivotWall
    const sign = Math.sign(this.#error)
    const slewing = distance / (1 + sign * this.#slew)
    const media =
      distance <= 0
        ? distance
        : slewing * this.#slew <= Math.abs(this.#error)
          ? slewing
          : distance - this.#error
    return Math.round(this.#pivotTs + media / this.#usPerTick)
  }

  newSender(sender: SenderTime): void {
    this.#sender = sender
    this.#isReporting = false
    this.#forgetReports()
  }

  #wallAt(ts: number): number {
    if (ts > this.#furthest) this.#furthest = ts
    const distance = (ts - this.#pivotTs) * this.#usPerTick
    if (distance <= 0 || this.#error === 0) return this.#pivotWall + distance
    const correction = Math.min(distance * this.#slew, Math.abs(this.#error))
    return this.#pivotWall + distance + (this.#error < 0 ? -correction : correction)
  }

  #arrived(ts: number, wall: number): void {
    const delay = this.#anchored ? wall - this.#wallAt(ts) : 0
    if (this.#anchored && Math.abs(delay) <= arrivalJumpUs) {
      this.#follow(wall, delay)
      return
    }
    if (this.#anchored) this.#forgetReports()
    this.#anchored = true
    this.#pivotTs = ts
    this.#pivotWall = this.#placed(ts, wall)
    this.#error = 0
    this.#furthest = ts
    this.#stream.originWall ??= wall
    if (this.#early !== undefined) this.#reported(this.#early)
    this.#early = undefined
  }

  /**
   * Where a report that came before the first unit puts it, beside a track of the same sender that has reported: nothing
   * has been told yet that would have to be slewed.
   */
  #placed(ts: number, wall: number): number {
    const { offset, notBefore } = this.#sender
    if (this.#early === undefined || offset === undefined) return wall
    const told = this.#early.wall + offset + (ts - this.#early.ts) * this.#usPerTick
    const least = Math.max(this.#stream.originWall ?? told, notBefore ?? told)
    return Math.abs(told - wall) > arrivalJumpUs ? wall : Math.max(told, least)
  }

  /** A source without reports: two of its clocks drift apart by 720 ms in an hour when they are 200 ppm off. */
  #follow(wall: number, delay: number): void {
    if (this.#isReporting) return
    const least = this.#delays.add(wall, delay)
    if (least === undefined || Math.abs(least) < driftDeadBandUs) return
    this.#steer(this.#furthest, this.#wallAt(this.#furthest) + least, driftSlewRatio)
  }

  #reported(report: Report): void {
    this.#isReporting = true
    if (this.#isOutlier(report) && !this.#isNewSenderTime(report)) return
    this.#suspects = 0
    this.#report = { ts: report.ts, wall: report.wall }
    this.#sender.offset ??= this.#wallAt(report.ts) - report.wall
    const pivot = Math.max(report.ts, this.#furthest)
    const target =
      report.wall + this.#senderShift + this.#sender.offset + (pivot - report.ts) * this.#usPerTick
    this.syncErrorUs = Math.round(target - this.#wallAt(pivot))
    this.#steer(pivot, target, Math.abs(this.syncErrorUs) > fastAboveUs ? fastSlewRatio : slewRatio)
  }

  #steer(ts: number, target: number, slew: number): void {
    const wall = this.#wallAt(ts)
    this.#pivotTs = ts
    this.#pivotWall = wall
    this.#error = target - wall
    this.#slew = slew
  }

  #deviation(from: Report, report: Report): number {
    return report.wall - (from.wall + (report.ts - from.ts) * this.#usPerTick)
  }

  #isOutlier(report: Report): boolean {
    if (this.#report === undefined) return false
    const elapsed = Math.abs(report.ts - this.#report.ts) * this.#usPerTick
    return Math.abs(this.#deviation(this.#report, report)) > outlierUs + elapsed * driftRatio
  }

  /** Outliers that agree with each other: the sender's wall clock was set. The mapping stays where it is. */
  #isNewSenderTime(report: Report): boolean {
    const agrees =
      this.#suspect !== undefined && Math.abs(this.#deviation(this.#suspect, report)) < agreementUs
    this.#suspect = { ts: report.ts, wall: report.wall }
    this.#suspects = agrees ? this.#suspects + 1 : 1
    this.outliers++
    if (this.#suspects < agreeing) return false
    this.#senderShift -= this.#deviation(this.#report!, report)
    return true
  }

  #forgetReports(): void {
    this.#delays.forget()
    this.#report = undefined
    this.#suspect = undefined
    this.#suspects = 0
    this.#senderShift = 0
  }
}

/** Until the first anchor, stream time is simply ticks over rate. */
export const createTrackClock = (rate: number, stream: StreamTime, sender: SenderTime): SourceClock =>
  new SlewedClock(rate, stream, sender)

/** The clock of a derived track: its parent's, at another rate. Anchors are its parent's business. */
export const scaledClock = (parent: TrackClock, rate: number): TrackClock => {
  const ratio = parent.rate / rate
  return {
    rate,
    anchor: () => {},
    toWall: ts => parent.toWall(ts * ratio),
    toStreamTime: ts => parent.toStreamTime(ts * ratio),
    fromStreamTime: us => Math.round(parent.fromStreamTime(us) / ratio),
  }
}
