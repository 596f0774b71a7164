/** Sound that a sender on the network has paced itself is passed on as it comes: what leaves, when, with which numbers. */
import { describe, expect, test } from 'vitest'
import { parseDigits } from '../../../src/media/dtmf/digits.ts'
import type { RtpPacket } from '../../../src/media/types.ts'
import { createPacedAudio } from '../../../src/rtp-session/plain/paced-audio.ts'
import type { PacedFormat } from '../../../src/rtp-session/plain/paced-types.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { rtpPacket } from '../../helpers/voice.ts'

const format: PacedFormat = {
  ...{ codec: 'pcmu', clockRate: 8000, channels: 1, payloadType: 0 },
  events: { payloadType: 101, clockRate: 8000 },
}

interface Sent {
  readonly packet: RtpPacket
  readonly payloadType: number
  /** undefined: it left at once. */
  readonly dueUs: number | undefined
  readonly atUs: number
  /** Undefined: not one of the source's. */
  readonly mark: number | undefined
}

/** The clock of a machine that has more to do than it can. */
class LateClock extends ManualClock {
  lateUs = 0

  override after(delayUs: number, run: () => void): () => void {
    return super.after(delayUs + this.lateUs, run)
  }
}

/** Each packet of the source is filled with its own number. */
const scene = () => {
  const clock = new LateClock()
  const sent: Sent[] = []
  const write = (packet: RtpPacket, payloadType = -1, dueUs?: number): void => {
    const payload = packet.bytes.subarray(packet.payloadStart, packet.payloadEnd)
    const mark = payload.every(byte => byte === payload[0]) && payload[0] !== 0xff ? payload[0] : undefined
    sent.push({ packet, payloadType, dueUs, atUs: clock.now(), mark })
  }
  const paced = createPacedAudio(() => ({ write, retarget: () => undefined }), format, clock)
  paced.retarget(undefined, true)
  const give = (i: number, { ticks = 160, ts = i * 160 } = {}): void =>
    paced.sink.write(rtpPacket(new Uint8Array(ticks).fill(i), 5000 + i, 1_000_000 + ts, clock.now()))
  /** One every 20 ms. */
  const speak = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      give(i)
      clock.advance(20_000)
    }
  }
  const begun = (): Sent[] => sent.slice(sent.findIndex(({ mark }) => mark !== undefined))
  return { clock, paced, sent, give, speak, begun }
}

const steps = (values: readonly number[]): number[] => values.slice(1).map((value, i) => value - values[i]!)

describe('sound that is passed on', () => {
  test('leaves in the moment that it came, with steps of its own, behind silence of ours', () => {
    const { clock, sent, speak, begun, paced } = scene()
    clock.advance(200_000)
    const silent = sent.length
    expect(silent).toBeGreaterThan(8)
    speak(1, 50)
    expect(begun().map(({ mark }) => mark)).toEqual(Array.from({ length: 49 }, (_, i) => i + 1))
    expect(begun().every(({ packet, atUs }) => packet.arrival === atUs)).toBe(true)
    expect(
      begun()
        .slice(2)
        .every(({ dueUs }) => dueUs === undefined),
    ).toBe(true)
    expect(begun().map(({ packet }) => packet.marker)).toEqual([true, ...new Array(48).fill(false)])
    const all = sent.map(({ packet }) => packet)
    expect(new Set(steps(all.map(({ seq }) => seq)))).toEqual(new Set([1]))
    expect(steps(all.slice(silent).map(({ ts }) => ts)).every(step => step === 160)).toBe(true)
    expect(steps(all.map(({ ts }) => ts)).every(step => step >= 160)).toBe(true)
    expect(paced.stats).toMatchObject({ packets: sent.length, delayMs: 0 })
  })

  test('what was lost or came in another order is so at the far side too', () => {
    const { clock, begun, give } = scene()
    for (const i of [1, 2, 4, 3, 7, 8]) {
      give(i)
      clock.advance(20_000)
    }
    const first = begun()[0]!.packet
    expect(begun().map(({ packet }) => packet.seq - first.seq)).toEqual([0, 1, 3, 2, 6, 7])
    expect(begun().map(({ packet }) => (packet.ts - first.ts) / 160)).toEqual([0, 1, 3, 2, 6, 7])
  })

  test('a pause is filled with silence after a tenth of a second; sound goes on at once', () => {
    const { clock, sent, speak, begun } = scene()
    speak(1, 20)
    const before = sent.length
    clock.advance(60_000)
    expect(sent).toHaveLength(before)
    clock.advance(440_000)
    const silence = sent.slice(before)
    expect(silence.length).toBeGreaterThanOrEqual(19)
    expect(silence.every(({ dueUs = 0, atUs }) => dueUs - atUs < 5000)).toBe(true)
    speak(46, 60)
    const resumed = sent.find(({ mark }) => mark === 46)!
    expect(resumed.packet.marker).toBe(true)
    expect(resumed.atUs).toBe(resumed.packet.arrival)
    const numbers = begun().map(({ packet }) => packet)
    expect(new Set(steps(numbers.map(({ seq }) => seq)))).toEqual(new Set([1]))
    expect(steps(numbers.map(({ ts }) => ts)).every(step => step >= 160)).toBe(true)
    const elapsed = (resumed.atUs - begun()[0]!.atUs) / 125
    expect(Math.abs(resumed.packet.ts - numbers[0]!.ts - elapsed)).toBeLessThan(600)
  })

  test('packets that silence has stood for make the far side hear no later: they are left out', () => {
    const { clock, give, speak, begun, paced } = scene()
    let next = 1
    for (let stall = 0; stall < 20; stall++) {
      speak(next, next + 50)
      // Sound of 200 ms comes at once, in place of the packet that was due.
      clock.advance(180_000)
      for (let i = next + 50; i < next + 60; i++) give(i)
      clock.advance(20_000)
      next += 60
    }
    speak(next, next + 10)
    const packets = begun().map(({ packet }) => packet)
    const [first, last] = [packets[0]!, packets.at(-1)!]
    const aheadMs = (last.ts - first.ts) / 8 - (last.arrival - first.arrival) / 1000
    expect(Math.abs(aheadMs)).toBeLessThan(60)
    expect(new Set(steps(packets.map(({ seq }) => seq)))).toEqual(new Set([1]))
    expect(paced.stats.skipped).toBeGreaterThan(50)
  })

  test('a machine that is behind does not add silence to its work; sound passes', () => {
    const { clock, sent, speak } = scene()
    speak(1, 10)
    clock.lateUs = 50_000
    speak(10, 20)
    const before = sent.length
    clock.advance(400_000)
    expect(sent).toHaveLength(before)
    speak(40, 50)
    expect(sent.slice(before).map(({ mark }) => mark)).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49])
    clock.lateUs = 0
    clock.advance(400_000)
    expect(sent.length - before).toBeGreaterThan(20)
  })

  test('packets that are to be cut anew are paced', () => {
    const { clock, give, begun } = scene()
    for (let i = 1; i < 20; i++) {
      give(i, { ticks: 240, ts: i * 240 })
      clock.advance(30_000)
    }
    const paced = begun().slice(1, -4)
    expect(paced.every(({ dueUs }) => dueUs !== undefined)).toBe(true)
    expect(paced.every(({ packet }) => packet.payloadEnd === 160)).toBe(true)
    expect(paced.length).toBeGreaterThan(15)
  })

  test('digits leave in place of sound, and nothing overtakes them', async () => {
    const { paced, sent, speak } = scene()
    speak(1, 10)
    const done = paced.sendDigits(parseDigits('5')!, 'rfc4733')
    await Promise.resolve()
    speak(10, 60)
    await done
    const events = sent.filter(({ payloadType }) => payloadType === 101)
    expect(events.length).toBeGreaterThan(4)
    expect(new Set(steps(sent.map(({ packet }) => packet.seq)))).toEqual(new Set([1]))
    const waitsUntil = (before: number): number =>
      Math.max(0, ...sent.slice(0, before).map(({ dueUs = 0 }) => dueUs))
    expect(sent.every(({ dueUs, atUs }, i) => dueUs !== undefined || atUs > waitsUntil(i))).toBe(true)
    expect(sent.at(-1)).toMatchObject({ mark: 59, dueUs: undefined })
  })

  test('times that jump begin anew: the far side’s time line goes on', () => {
    const { clock, speak, give, begun } = scene()
    speak(1, 10)
    for (let i = 10; i < 20; i++) {
      give(i, { ts: i * 160 + 80_000_000 })
      clock.advance(20_000)
    }
    expect(steps(begun().map(({ packet }) => packet.ts))).toEqual(new Array(18).fill(160))
    expect(
      begun()
        .map(({ packet }) => packet.marker)
        .indexOf(true, 1),
    ).toBe(9)
  })

  test('on hold silence leaves in its place; where nothing may be sent, nothing does', () => {
    const { clock, paced, sent, speak } = scene()
    speak(1, 10)
    paced.mute(true)
    const before = sent.length
    speak(10, 20)
    expect(sent.slice(before).every(({ mark }) => mark === undefined)).toBe(true)
    paced.mute(false)
    speak(20, 30)
    expect(sent.at(-1)).toMatchObject({ mark: 29, dueUs: undefined })
    paced.pause(true)
    const quiet = sent.length
    speak(30, 40)
    expect(sent).toHaveLength(quiet)
    paced.pause(false)
    speak(40, 45)
    expect(sent.slice(quiet).map(({ mark }) => mark)).toEqual([40, 41, 42, 43, 44])
    expect(sent[quiet]!.packet.seq).toBe(sent[quiet - 1]!.packet.seq + 1)
    paced.close()
    clock.advance(100_000)
  })
})
