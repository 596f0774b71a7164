/** What is sent in place of sound while digits are: one entry for each 20 ms. */
import type { Digit } from '../../media/dtmf/digits.ts'
import { EVENT_BYTES, writeTelephoneEvent } from '../../media/dtmf/event-payload.ts'
import { type EventStep, eventScript, type PressTimes, pressTimes } from '../../media/dtmf/event-script.ts'
import { digitTone } from '../../media/dtmf/tones.ts'
import type { GapFiller } from './gap-filler.ts'

/** Of 20 ms. */
export interface Insert {
  readonly payload: Uint8Array
  /** Of a telephone event; absent: it is sound. */
  readonly payloadType?: number
  readonly marker: boolean
  /** So many entries before it, counted from itself, its press began: it carries that one's timestamp. */
  readonly back: number
}

const SLOT_MS = 20

const eventInsert = (step: EventStep, payloadType: number): Insert => {
  const payload = new Uint8Array(EVENT_BYTES)
  writeTelephoneEvent(payload, 0, step.told)
  return { payload, payloadType, marker: step.marker, back: (step.atMs - step.beganMs) / SLOT_MS }
}

/** By RFC 4733, with `silence` of 20 ms between the presses. */
export const eventInserts = (
  digits: readonly Digit[],
  events: { readonly payloadType: number; readonly clockRate: number },
  silence: () => Uint8Array,
  times: PressTimes,
): Insert[] => {
  const inserts: Insert[] = []
  for (const step of eventScript(digits, events.clockRate, times)) {
    while (inserts.length < step.atMs / SLOT_MS) inserts.push({ payload: silence(), marker: false, back: 0 })
    inserts.push(eventInsert(step, events.payloadType))
  }
  return inserts
}

const joinTones = (digits: readonly Digit[], rate: number, times: PressTimes): Int16Array => {
  const { durationMs, gapMs } = pressTimes(times)
  const slot = (rate * SLOT_MS) / 1000
  const each = Math.ceil(((durationMs + gapMs) * rate) / 1000 / slot) * slot
  const pcm = new Int16Array(digits.length * each)
  digits.forEach((digit, i) => {
    pcm.set(digitTone(digit, durationMs, rate), i * each)
  })
  return pcm
}

/** As tones. */
export const toneInserts = (
  digits: readonly Digit[],
  { rate, encode }: Required<Pick<GapFiller, 'rate' | 'encode'>>,
  times: PressTimes,
): Insert[] => {
  const pcm = joinTones(digits, rate, times)
  const slot = (rate * SLOT_MS) / 1000
  const inserts: Insert[] = []
  for (let at = 0; at < pcm.length; at += slot)
    inserts.push({ payload: encode(pcm.subarray(at, at + slot)), marker: at === 0, back: 0 })
  return inserts
}
