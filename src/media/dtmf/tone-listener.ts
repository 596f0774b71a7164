/** Listens for keys in the packets of a call: G.711 and G.722; tones do not survive other codecs well. */
import { decodeG711, lawOf } from '../g711/law.ts'
import { G722Decoder } from '../g722/decoder.ts'
import type { RtpPacket } from '../types.ts'
import type { Digit } from './digits.ts'
import { ToneDetector } from './tone-detector.ts'

export interface ToneListener {
  /** Packets of codecs that it does not hear, and late ones, are let pass. */
  take(packet: RtpPacket, codec: string): void
}

interface Ear {
  readonly codec: string
  readonly detector: ToneDetector
  decode(codes: Uint8Array): Int16Array
}

const TELEPHONE_RATE = 8000
const WIDEBAND_RATE = 16_000

const createEar = (codec: string, onDigit: (digit: Digit) => void): Ear | undefined => {
  if (codec === 'pcmu' || codec === 'pcma') {
    const law = lawOf(codec)
    const detector = new ToneDetector(TELEPHONE_RATE, onDigit)
    return { codec, detector, decode: codes => decodeG711(law, codes) }
  }
  if (codec !== 'g722') return undefined
  const decoder = new G722Decoder()
  return { codec, detector: new ToneDetector(WIDEBAND_RATE, onDigit), decode: codes => decoder.decode(codes) }
}

export const createToneListener = (onDigit: (digit: Digit) => void): ToneListener => {
  let ear: Ear | undefined
  let newest = Number.NEGATIVE_INFINITY
  return {
    take({ bytes, payloadStart, payloadEnd, seq }, codec) {
      if (seq <= newest) return
      newest = seq
      if (ear?.codec !== codec) ear = createEar(codec, onDigit)
      ear?.detector.push(ear.decode(bytes.subarray(payloadStart, payloadEnd)))
    },
  }
}
