import { describe, expect, test } from 'vitest'
import { createCallDigits } from '../../../src/adapters/sip/media/call-digits.ts'
import { type Digit, parseDigits } from '../../../src/media/dtmf/digits.ts'
import { ToneDetector } from '../../../src/media/dtmf/tone-detector.ts'
import { digitTone, tonesOf } from '../../../src/media/dtmf/tones.ts'
import { decodeG711, encodeG711, lawOf } from '../../../src/media/g711/law.ts'
import { G722Encoder } from '../../../src/media/g722/encoder.ts'
import { createRandom } from '../../helpers/random.ts'
import { runFfmpeg } from '../../helpers/sound.ts'

const ALL = parseDigits('1234567890*#ABCD')!
const RATE = 8000

const join = (parts: readonly Int16Array[]): Int16Array => {
  const out = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
const silence = (ms: number, rate = RATE): Int16Array => new Int16Array((ms * rate) / 1000)
const hear = (pcm: Int16Array, rate = RATE): string => {
  let heard = ''
  const detector = new ToneDetector(rate, digit => {
    heard += digit
  })
  for (let at = 0; at < pcm.length; at += 160) detector.push(pcm.subarray(at, at + 160))
  return heard
}
const dial = (digits: readonly Digit[], ms: number, rate = RATE): Int16Array =>
  join(digits.flatMap(digit => [digitTone(digit, ms, rate), silence(ms, rate)]))

interface Pair {
  readonly low: number
  readonly high: number
  readonly lowDb?: number
  readonly highDb?: number
  readonly ms?: number
}
const pair = ({ low, high, lowDb = -10, highDb = -10, ms = 80 }: Pair): Int16Array => {
  const amplitude = (db: number): number => 32_767 * 10 ** (db / 20)
  return Int16Array.from({ length: (ms * RATE) / 1000 }, (_, i) =>
    Math.round(
      amplitude(lowDb) * Math.sin((2 * Math.PI * low * i) / RATE) +
        amplitude(highDb) * Math.sin((2 * Math.PI * high * i) / RATE),
    ),
  )
}
const withNoise = (pcm: Int16Array, db: number, seed = 1): Int16Array => {
  const random = createRandom(seed)
  const amplitude = 32_767 * 10 ** (db / 20) * Math.sqrt(3)
  return pcm.map(sample => sample + Math.round((random(2001) / 1000 - 1) * amplitude))
}

describe('keys in sound (ITU-T Q.24)', () => {
  test.each([8000, 16_000])('all keys, 40 ms on and off, at %i Hz', rate => {
    expect(hear(dial(ALL, 40, rate), rate)).toBe(ALL.join(''))
  })

  test('at any offset to the looks', () => {
    for (let offset = 0; offset < 102; offset += 7)
      expect(hear(join([new Int16Array(offset), dial(ALL, 45)]))).toBe(ALL.join(''))
  })

  test('frequencies 1.5 % off are keys, 3.5 % off are none', () => {
    for (const digit of ALL) {
      const [low, high] = tonesOf(digit)
      for (const off of [0.985, 1.015])
        expect(hear(join([silence(30), pair({ low: low * off, high: high * off }), silence(50)]))).toBe(digit)
      const wrong = [
        pair({ low: low * 1.035, high: high * 1.035 }),
        pair({ low: low * 0.96, high: high * 0.96 }),
      ]
      for (const tones of wrong) expect(hear(join([silence(30), tones, silence(50)]))).not.toBe(digit)
    }
  })

  test('twist of 4 dB towards the high, 8 dB towards the low tone; not of 12 dB', () => {
    const [low, high] = tonesOf('5')
    expect(hear(join([pair({ low, high, lowDb: -14, highDb: -10 }), silence(50)]))).toBe('5')
    expect(hear(join([pair({ low, high, lowDb: -10, highDb: -18 }), silence(50)]))).toBe('5')
    expect(hear(join([pair({ low, high, lowDb: -22, highDb: -10 }), silence(50)]))).toBe('')
    expect(hear(join([pair({ low, high, lowDb: -10, highDb: -22 }), silence(50)]))).toBe('')
  })

  test('from -29 dBm0 to full scale; with noise 15 dB below; nothing from 20 ms of tone', () => {
    const [low, high] = tonesOf('8')
    for (const db of [-7, -20, -35])
      expect(hear(join([pair({ low, high, lowDb: db, highDb: db }), silence(50)]))).toBe('8')
    for (let seed = 1; seed <= 20; seed++)
      expect(hear(withNoise(join([pair({ low, high, ms: 60 }), silence(60)]), -25, seed))).toBe('8')
    expect(hear(join([silence(30), pair({ low, high, ms: 20 }), silence(50)]))).toBe('')
  })

  test('a held key is one, also with 10 ms of it missing', () => {
    const tone = digitTone('4', 400, RATE)
    tone.fill(0, 1600, 1680)
    expect(hear(join([tone, silence(60)]))).toBe('4')
  })

  test('speech-like sound, music and noise are no keys', async () => {
    // Vowels with gliding pitch and formants, chords, and noise: 40 s in all.
    const sweep = 'sin(2*PI*(120*t+20*sin(2*PI*0.7*t)))'
    const formants = [2, 3, 5, 7, 10, 13].map(
      (n, i) => `${(0.3 / (i + 1)).toFixed(3)}*sin(${n}*2*PI*(120*t+20*sin(2*PI*0.7*t)))`,
    )
    const chords =
      '0.2*sin(2*PI*440*t)+0.2*sin(2*PI*554.4*t)+0.2*sin(2*PI*659.3*t)+0.15*sin(2*PI*880*t)+0.1*sin(2*PI*1318.5*t)'
    const graph = [
      `aevalsrc='(0.3*${sweep}+${formants.join('+')})*(0.5+0.5*sin(2*PI*3*t))':s=8000:d=20`,
      `aevalsrc='(${chords})*(0.6+0.4*sin(2*PI*2*t))':s=8000:d=10`,
      'anoisesrc=r=8000:d=10:a=0.4:c=pink:seed=7',
    ]
    for (const source of graph) {
      const raw = await runFfmpeg(['-f', 'lavfi', '-i', source, '-ac', '1', '-f', 's16le', 'pipe:1'])
      expect(hear(new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length)))).toBe('')
    }
  })

  test('keys that ffmpeg made and encoded, 50 ms each, are what was keyed in', async () => {
    const lows = [697, 770, 852, 941]
    const highs = [1209, 1336, 1477, 1633]
    const keys = [...'123A456B789C*0#D']
    const sines = keys.map((_, i) => {
      const on = `between(t,${(0.1 * i + 0.05).toFixed(2)},${(0.1 * i + 0.1).toFixed(2)})`
      return `${on}*0.3*(sin(2*PI*${lows[i >> 2]}*t)+sin(2*PI*${highs[i & 3]}*t))`
    })
    const input = ['-f', 'lavfi', '-i', `aevalsrc='${sines.join('+')}':s=8000:d=1.8`]
    for (const law of ['mulaw', 'alaw'] as const) {
      const codes = await runFfmpeg([...input, '-f', law, 'pipe:1'])
      const pcm = decodeG711(lawOf(law === 'mulaw' ? 'pcmu' : 'pcma'), codes)
      expect(hear(pcm)).toBe(keys.join(''))
    }
  })

  test('the tones begin and end without a click', () => {
    const tone = digitTone('9', 100, RATE)
    expect(Math.abs(tone[0]!)).toBeLessThan(1500)
    expect(Math.abs(tone.at(-1)!)).toBeLessThan(1500)
    expect(Math.max(...tone)).toBeLessThanOrEqual(18_000)
  })
})

describe('digits of a call', () => {
  test.each(['pcmu', 'pcma', 'g722'] as const)(
    '%s in packets, beside telephone events and INFO: each once',
    codec => {
      const heard: string[] = []
      const digits = createCallDigits({
        clock: { now: () => 1_000_000 },
        onDigit: (digit, way) => heard.push(`${digit} ${way}`),
      })
      const rate = codec === 'g722' ? 16_000 : RATE
      const pcm = dial(['1', '1', '#'], 60, rate)
      const codes = codec === 'g722' ? new G722Encoder().encode(pcm) : encodeG711(lawOf(codec), pcm)
      expect(digits.info('application/dtmf', '1')).toBe(true)
      for (let at = 0, seq = 0; at < codes.length; at += 160, seq++) {
        const bytes = codes.subarray(at, at + 160)
        const packet = { bytes, payloadStart: 0, payloadEnd: bytes.length, seq, ts: at, marker: false }
        digits.sound({ ...packet, key: true, head: true, arrival: 0 }, codec)
      }
      expect(digits.info('application/dtmf-relay', 'Signal=#\r\nDuration=100')).toBe(true)
      expect(digits.info('text/plain', '1')).toBe(false)
      expect(heard).toEqual(['1 info', '1 in-band', '# in-band'])
    },
  )
})
