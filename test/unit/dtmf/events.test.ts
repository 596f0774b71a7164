import { describe, expect, test } from 'vitest'
import { createDigitFilter } from '../../../src/media/dtmf/digit-filter.ts'
import { type Digit, parseDigits } from '../../../src/media/dtmf/digits.ts'
import { readTelephoneEvent, writeTelephoneEvent } from '../../../src/media/dtmf/event-payload.ts'
import { createEventReader } from '../../../src/media/dtmf/event-reader.ts'
import { type EventStep, eventScript } from '../../../src/media/dtmf/event-script.ts'
import { formatDtmfInfo, parseDtmfInfo } from '../../../src/media/dtmf/info-body.ts'
import type { RtpPacket } from '../../../src/media/types.ts'
import { createRandom } from '../../helpers/random.ts'

const TWENTY = parseDigits('1223 3345-4456*0##AB CD9')!

const packetOf = (step: EventStep, seq: number, clockRate: number): RtpPacket => {
  const bytes = new Uint8Array(16)
  writeTelephoneEvent(bytes, 12, step.told)
  return {
    ...{
      bytes,
      payloadStart: 12,
      payloadEnd: 16,
      seq,
      marker: step.marker,
      key: true,
      head: true,
      arrival: 0,
    },
    ts: 1000 + (step.beganMs * clockRate) / 1000,
  }
}
const packetsOf = (digits: readonly Digit[], clockRate: number, durationMs = 50, gapMs = 50): RtpPacket[] =>
  eventScript(digits, clockRate, { durationMs, gapMs }).map((step, i) => packetOf(step, i, clockRate))
const readAll = (packets: readonly RtpPacket[]): string => {
  const reader = createEventReader()
  return packets.map(packet => reader.read(packet) ?? '').join('')
}

describe('telephone events', () => {
  test('a press is told as RFC 4733 wants it: one timestamp, marker on the first, three ends, growing durations', () => {
    const steps = eventScript(['5', '6'], 8000, { durationMs: 100, gapMs: 60 })
    const first = steps.filter(step => step.beganMs === 0)
    expect(first.map(step => step.marker)).toEqual([true, false, false, false, false, false, false])
    expect(first.map(step => step.told.duration)).toEqual([160, 320, 480, 640, 800, 800, 800])
    expect(first.map(step => step.told.end)).toEqual([false, false, false, false, true, true, true])
    expect(first.map(step => step.atMs)).toEqual([0, 20, 40, 60, 80, 100, 120])
    expect(steps.find(step => step.told.event === 6)).toMatchObject({ atMs: 160, beganMs: 160, marker: true })
  })

  test('durations count in the clock of the payload type', () => {
    expect(eventScript(['1'], 48_000).at(-1)!.told.duration).toBe(4800)
  })

  test.each([8000, 48_000])(
    '20 fast digits at %i Hz arrive exactly with 30 % loss, copies and disorder',
    clockRate => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = createRandom(seed)
        const sent = packetsOf(TWENTY, clockRate)
        const presses = new Set(sent.map(({ ts }) => ts))
        const got = sent.filter(() => random(100) >= 30)
        // What no packet of came cannot be known of: one press in 240 at this rate of loss.
        if (new Set(got.map(({ ts }) => ts)).size < presses.size) continue
        const spoiled = got.flatMap(packet => (random(100) < 20 ? [packet, packet] : [packet]))
        for (let i = 1; i < spoiled.length; i++)
          if (random(100) < 10 && spoiled[i]!.ts === spoiled[i - 1]!.ts)
            spoiled.splice(i - 1, 2, spoiled[i]!, spoiled[i - 1]!)
        expect(readAll(spoiled)).toBe(TWENTY.join(''))
      }
    },
  )

  test('without any marker, and when only the ends arrive', () => {
    const packets = packetsOf(TWENTY, 8000).map(packet => ({ ...packet, marker: false }))
    expect(readAll(packets)).toBe(TWENTY.join(''))
    const ends = packets.filter(packet => readTelephoneEvent(packet.bytes.subarray(12))!.end)
    expect(readAll(ends)).toBe(TWENTY.join(''))
  })

  test('a late packet of a press before is no new press', () => {
    const packets = packetsOf(['7', '7', '7'], 8000)
    const late = packets.find(({ ts }) => ts === packets[0]!.ts)!
    expect(readAll([...packets, late])).toBe('777')
  })

  test('a press longer than 16 bits of ticks goes on in a later segment and is one', () => {
    const segment = (ts: number, duration: number, end: boolean, seq: number): RtpPacket => ({
      ...packetOf(
        { atMs: 0, beganMs: 0, marker: false, told: { event: 3, end, volume: 10, duration } },
        seq,
        8000,
      ),
      ts,
    })
    const packets = [segment(0, 160, false, 0), segment(0, 65_535, false, 1), segment(65_535, 160, false, 2)]
    expect(readAll([...packets, segment(65_535, 320, true, 3)])).toBe('3')
  })

  test('what is no key, or no event, is counted and let pass', () => {
    const reader = createEventReader()
    const flash = { event: 16, end: false, volume: 10, duration: 160 }
    const packet = packetOf({ atMs: 0, beganMs: 0, marker: true, told: flash }, 0, 8000)
    expect(reader.read(packet)).toBeUndefined()
    expect(reader.read({ ...packet, payloadEnd: 14 })).toBeUndefined()
    expect(reader.stats).toEqual({ digits: 0, ignored: 2 })
  })
})

describe('digits in INFO', () => {
  test.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', { digit: '5', durationMs: 160 }],
    ['application/dtmf-relay', 'Signal= *\nDuration= 250', { digit: '*', durationMs: 250 }],
    ['application/dtmf-relay', 'signal=11\r\n', { digit: '#' }],
    ['Application/DTMF-Relay; charset=utf-8', 'Signal=a\r\nDuration=x', { digit: 'A' }],
    ['application/dtmf', '9', { digit: '9' }],
    ['application/dtmf', '10\r\n', { digit: '*' }],
    ['application/dtmf', 'hello', undefined],
    ['application/dtmf-relay', 'Signal=16\r\n', undefined],
    ['application/media_control+xml', '5', undefined],
  ] as const)('%s %j', (type, body, told) => {
    expect(parseDtmfInfo(type, body)).toEqual(told)
  })

  test('what is written is read again', () => {
    for (const digit of TWENTY)
      for (const type of ['application/dtmf-relay', 'application/dtmf'] as const)
        expect(parseDtmfInfo(type, formatDtmfInfo(type, { digit }))?.digit).toBe(digit)
  })
})

describe('one press, several ways', () => {
  test('it counts once, and doubled keys stay two', () => {
    const filter = createDigitFilter()
    const said: string[] = []
    const press = (digit: Digit, way: 'rfc4733' | 'info' | 'in-band', ms: number): void => {
      if (filter.admit(digit, way, ms * 1000)) said.push(digit)
    }
    press('1', 'rfc4733', 0)
    press('1', 'rfc4733', 100)
    press('1', 'in-band', 60)
    press('1', 'info', 300)
    press('1', 'info', 310)
    press('2', 'info', 320)
    press('2', 'rfc4733', 330)
    press('1', 'rfc4733', 5000)
    expect(said.join('')).toBe('1121')
  })
})
