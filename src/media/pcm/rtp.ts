/** G.711, G.722 and L16 in RTP, RFC 3551 sections 4.3 and 4.5: samples, cut anew to a packet time. */
import type { PacketWriter } from '../rtp/packet-writer.ts'
import type { PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import type { Frame, PcmParameters } from '../types.ts'
import { pcmTickBytes } from './parameters.ts'

const PACKET_TIME_S = 0.02

/**
 * Cuts frames of any length to packets of 20 ms, or as much as fits; what is left over waits for the next
 * frame.
 */
class PcmWriter implements PayloadWriter {
  readonly #tickBytes: number
  readonly #packetBytes: number
  readonly #rest: Uint8Array
  #restBytes = 0
  /** Time of the first sample that has not gone out. */
  #ts = 0
  #marker = true

  constructor(params: PcmParameters, maxPayload: number) {
    this.#tickBytes = pcmTickBytes(params)
    const wanted = Math.round(params.clockRate * PACKET_TIME_S)
    const ticks = Math.max(1, Math.min(wanted, Math.floor(maxPayload / this.#tickBytes)))
    this.#packetBytes = ticks * this.#tickBytes
    this.#rest = new Uint8Array(this.#packetBytes)
  }

  write(frame: Frame, out: PacketWriter): boolean {
    const data = frame.units[0]
    if (data === undefined || data.length === 0 || data.length % this.#tickBytes !== 0) return false
    this.#align(frame, out)
    let at = this.#restBytes > 0 ? this.#fill(frame, data, out) : 0
    for (; at + this.#packetBytes <= data.length; at += this.#packetBytes)
      this.#send(frame, data, at, at + this.#packetBytes, out)
    if (at < data.length) {
      this.#rest.set(data.subarray(at), this.#restBytes)
      this.#restBytes += data.length - at
    }
    return true
  }

  /** A frame that does not join on to the last one begins a packet of its own. */
  #align(frame: Frame, out: PacketWriter): void {
    const expected = this.#ts + this.#restBytes / this.#tickBytes
    if (frame.pts === expected && !frame.discontinuity) return
    if (this.#restBytes > 0) this.#sendRest(frame, out)
    this.#ts = frame.pts
    this.#marker = true
  }

  /** Completes the packet begun by an earlier frame; returns how much of `data` it took. */
  #fill(frame: Frame, data: Uint8Array, out: PacketWriter): number {
    const missing = this.#packetBytes - this.#restBytes
    if (data.length < missing) return 0
    this.#rest.set(data.subarray(0, missing), this.#restBytes)
    this.#restBytes = this.#packetBytes
    this.#sendRest(frame, out)
    return missing
  }

  #sendRest(frame: Frame, out: PacketWriter): void {
    this.#send(frame, this.#rest, 0, this.#restBytes, out)
    this.#restBytes = 0
  }

  #send(frame: Frame, data: Uint8Array, from: number, to: number, out: PacketWriter): void {
    out.begin(frame, this.#ts)
    out.copy(data, from, to, 0)
    out.end(this.#marker)
    this.#ts += (to - from) / this.#tickBytes
    this.#marker = false
  }
}

export const createPcmWriter = (params: PcmParameters, maxPayload: number): PayloadWriter =>
  new PcmWriter(params, maxPayload)

export const createPcmReader = (params: PcmParameters): PayloadReader => {
  const tickBytes = pcmTickBytes(params)
  return {
    framePerPacket: true,
    isHead: () => true,
    read: (packets, out) => {
      const { bytes, payloadStart, payloadEnd, ts } = packets[0]!
      const size = payloadEnd - payloadStart
      if (size % tickBytes !== 0) return false
      out.frame([bytes.subarray(payloadStart, payloadEnd)], ts, size / tickBytes, true)
      return true
    },
  }
}
