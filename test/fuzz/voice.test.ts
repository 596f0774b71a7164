/** Sound from hostile senders: any numbers, any times, any bytes. Nothing breaks, nothing grows, nothing stands still. */
import { expect, test } from 'vitest'
import { createOpusParams } from '../../src/media/opus/parameters.ts'
import { createPcmParams } from '../../src/media/pcm/parameters.ts'
import type { RtpPacket } from '../../src/media/types.ts'
import { JitterBuffer } from '../../src/media/voice/jitter-buffer.ts'
import { createPacedAudio } from '../../src/rtp-session/plain/paced-audio.ts'
import type { PacedFormat } from '../../src/rtp-session/plain/paced-types.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { createRandom, type Random } from '../helpers/random.ts'
import { rtpPacket, START_US, throughVoice } from '../helpers/voice.ts'

/** Mostly one after the other, with every kind of jump between. */
const hostile = (random: Random, count: number, startUs: number, step: number): RtpPacket[] => {
  let [seq, ts, arrival] = [random(65_536), random(0xffff_ffff), startUs]
  return Array.from({ length: count }, () => {
    const mood = random(20)
    seq += mood === 0 ? random(70_000) - 35_000 : 1
    ts += mood === 1 ? random(0xffff_ffff) - 0x7fff_ffff : mood === 2 ? random(step * 30) - step * 10 : step
    arrival += mood === 3 ? random(3_000_000) : mood === 4 ? 0 : random(40_000)
    const bytes = Uint8Array.from({ length: mood === 5 ? random(1400) : 160 }, () => random(256))
    return rtpPacket(bytes, seq, ts, arrival)
  })
}

test('five hundred jitter buffers: order is kept, time goes on, little is held', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = createRandom(seed)
    const buffer = new JitterBuffer({ rate: 8000 })
    let taken = 0
    let ticks = 0
    const packets = hostile(random, 200, START_US, 160)
    for (const packet of packets) {
      buffer.put(packet, 1 + random(500))
      for (let next = buffer.take(packet.arrival); next !== undefined; next = buffer.take(packet.arrival)) {
        taken += 1
        ticks += typeof next === 'number' ? next : 0
        if (typeof next === 'number') expect(next).toBeGreaterThan(0)
        expect(taken).toBeLessThan(20_000)
      }
    }
    const { packets: came, delayMs } = buffer.stats
    expect(came).toBe(200)
    expect(delayMs).toBeLessThanOrEqual(201)
    // At most the time that passed is made up, and the patience once for each new beginning.
    const passed = ((packets.at(-1)!.arrival - START_US) / 1e6) * 8000
    expect(ticks).toBeLessThan(passed + 8000 * 60)
  }
})

const formats: readonly PacedFormat[] = [
  { codec: 'pcmu', clockRate: 8000, channels: 1, payloadType: 0 },
  { codec: 'g722', clockRate: 8000, channels: 1, payloadType: 9 },
  { codec: 'l16', clockRate: 44_100, channels: 2, payloadType: 10 },
  { codec: 'opus', clockRate: 48_000, channels: 2, payloadType: 96 },
]
test.each(formats)('paced $codec: whatever comes in, fifty packets a second leave, in order', format => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = createRandom(seed)
    const clock = new ManualClock(START_US)
    let [count, lastSeq, lastDueUs] = [0, -1, 0]
    const write = (packet: RtpPacket, _type?: number, dueUs = 0): void => {
      count += 1
      expect(packet.seq).toBe(lastSeq + 1)
      expect(dueUs).toBeGreaterThan(lastDueUs)
      lastSeq = packet.seq
      lastDueUs = dueUs
    }
    const paced = createPacedAudio(() => ({ write, retarget: () => undefined }), format, clock)
    const packets = hostile(random, 300, clock.now(), format.clockRate / 50)
    for (const packet of packets) {
      clock.advance(packet.arrival - clock.now())
      paced.sink.write(packet)
    }
    const seconds = (clock.now() - START_US) / 1e6
    const perPacket = format.codec === 'l16' ? 8 : 1
    expect(count / seconds).toBeGreaterThan(35)
    expect(count / seconds).toBeLessThan(120 * perPacket)
    paced.close()
    expect(clock.pending).toBe(0)
  }
})

test.each([
  ['pcma', createPcmParams('pcma'), 'opus', 160],
  ['g722', createPcmParams('g722'), 'pcmu', 160],
  ['opus', createOpusParams(2), 'g722', 960],
] as const)(
  '%s of noise through the transcoder: times only go forward, and it ends',
  async (_, params, to, step) => {
    for (let seed = 1; seed <= 5; seed++) {
      const packets = hostile(createRandom(seed), 300, START_US, step)
      const { heard } = await throughVoice(params, packets, { kind: 'audio', codec: to, form: 'frame' })
      expect(heard.length).toBeGreaterThan(100)
      for (let i = 1; i < heard.length; i++) {
        const [before, frame] = [heard[i - 1]!.frame, heard[i]!.frame]
        if (!frame.discontinuity) expect(frame.pts).toBe(before.pts + before.duration)
      }
    }
  },
)
