import { GatewayError } from '../../errors.ts'
import { createAacReader } from '../aac/rtp.ts'
import { createAv1Reader } from '../av1/rtp.ts'
import { createDtsEstimator, type DtsEstimator } from '../dts.ts'
import { createH264Reader } from '../h264/rtp.ts'
import { h265MaxReorder } from '../h265/parameters.ts'
import { createH265Reader } from '../h265/rtp.ts'
import { createOpusReader } from '../opus/rtp.ts'
import { createPcmReader } from '../pcm/rtp.ts'
import type { CodecParameters, Frame, RtpPacket } from '../types.ts'
import { createVp8Reader } from '../vp8/rtp.ts'
import { createVp9Reader } from '../vp9/rtp.ts'
import { FrameAssembler } from './frame-assembler.ts'
import type { FrameSink, PayloadReader } from './payload.ts'
import { type ReorderCounters, ReorderWindow } from './reorder-window.ts'
import type { Depacketiser, DepacketiserEvents } from './types.ts'

/** How long a missing packet is waited for: a retransmission over a slow path and back. */
const DEFAULT_WINDOW_US = 250_000
/** B-frames step back by less than this; more is the source's time line, not reordering. */
const MAX_REORDER_S = 2
/** Frames of reordering to allow for when the SPS does not say: what encoders use by default (B-pyramid). */
const USUAL_REORDER = 2

export interface DepacketiserOptions {
  /** Microseconds that a gap is waited for. */
  readonly windowUs?: number
}

const createReader = (params: CodecParameters): PayloadReader => {
  switch (params.codec) {
    case 'h264':
      return createH264Reader(params)
    case 'h265':
      return createH265Reader(params)
    case 'av1':
      return createAv1Reader(params)
    case 'vp8':
      return createVp8Reader(params)
    case 'vp9':
      return createVp9Reader(params)
    case 'opus':
      return createOpusReader()
    case 'aac':
      return createAacReader(params)
    case 'pcmu':
    case 'pcma':
    case 'g722':
    case 'l16':
      return createPcmReader(params)
    default:
      throw new GatewayError('unsupported-codec', `${params.codec} cannot be read from RTP`)
  }
}

/** Frames of reordering to allow for; 0: decode order is presentation order. */
const reorderDepth = (params: CodecParameters): number => {
  if ((params.codec !== 'h264' && params.codec !== 'h265') || params.reordered !== true) return 0
  const announced = params.codec === 'h264' ? params.maxReorder : h265MaxReorder(params)
  return announced === undefined || announced === 0 ? USUAL_REORDER : announced
}

/** Knowledge of reordering that was gained by looking outlives parameters that do not say. */
const keepReordered = (before: CodecParameters, after: CodecParameters): CodecParameters => {
  if (after.codec !== 'h264' && after.codec !== 'h265') return after
  const seen = 'reordered' in before && before.reordered === true
  return seen && after.reordered === undefined ? { ...after, reordered: true } : after
}

/** What turns the readers' output into frames: parameters in force, decode times, discontinuity. */
class FrameMaker implements FrameSink {
  readonly #events: DepacketiserEvents
  #params: CodecParameters
  #depth = 0
  #estimator: DtsEstimator | undefined
  #lastPts = Number.NEGATIVE_INFINITY
  #lastDts = Number.NEGATIVE_INFINITY
  discontinuity = false
  arrival = 0

  constructor(params: CodecParameters, events: DepacketiserEvents) {
    this.#events = events
    this.#params = params
    this.#prepareEstimator()
  }

  params(params: CodecParameters): void {
    this.#params = keepReordered(this.#params, params)
    this.#prepareEstimator()
    this.#events.onParams(this.#params)
  }

  frame(units: readonly Uint8Array[], ts: number, duration: number, key: boolean): void {
    if (ts < this.#lastPts && !key) this.#noticeReordering(ts)
    this.#lastPts = ts
    this.#lastDts = this.#estimator?.push(ts) ?? Math.max(this.#lastDts, ts)
    const frame: Frame = {
      units,
      pts: ts,
      dts: this.#lastDts,
      duration,
      key,
      params: this.#params,
      discontinuity: this.discontinuity,
      arrival: this.arrival,
    }
    this.discontinuity = false
    this.#events.onFrame(frame)
  }

  #noticeReordering(ts: number): void {
    const params = this.#params
    if ((params.codec !== 'h264' && params.codec !== 'h265') || params.reordered !== undefined) return
    if (this.#lastPts - ts < MAX_REORDER_S * params.clockRate) this.params({ ...params, reordered: true })
  }

  #prepareEstimator(): void {
    const depth = reorderDepth(this.#params)
    if (depth === this.#depth) return
    this.#depth = depth
    this.#estimator = depth === 0 ? undefined : createDtsEstimator(depth, this.#lastDts)
  }
}

class RtpDepacketiser implements Depacketiser {
  readonly stats: ReorderCounters = { lost: 0, reordered: 0, duplicate: 0, malformed: 0, framesDropped: 0 }
  readonly #window: ReorderWindow

  constructor(params: CodecParameters, events: DepacketiserEvents, windowUs: number) {
    const maker = new FrameMaker(params, events)
    const onLoss = (packets: number): void => {
      maker.discontinuity = true
      events.onLoss(packets)
    }
    const assembler = new FrameAssembler(createReader(params), maker, this.stats, onLoss)
    this.#window = new ReorderWindow(windowUs, this.stats, {
      onPacket: packet => assembler.packet(packet),
      onGap: count => {
        assembler.gap()
        onLoss(count)
      },
    })
  }

  push(packet: RtpPacket, nowUs: number): void {
    this.#window.push(packet, nowUs)
  }

  poll(nowUs: number): void {
    this.#window.poll(nowUs)
  }
}

/**
 * Frames out of RTP packets of one stream. A source whose SPS does not announce B-frames gets `reordered:
 * true` in new parameters when they are seen.
 * @throws GatewayError 'unsupported-codec' when there is no payload format for the codec
 */
export const createDepacketiser = (
  params: CodecParameters,
  events: DepacketiserEvents,
  options: DepacketiserOptions = {},
): Depacketiser => new RtpDepacketiser(params, events, options.windowUs ?? DEFAULT_WINDOW_US)
