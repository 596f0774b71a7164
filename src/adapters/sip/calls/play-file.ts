/** Plays a sound file to the far side of a call, in the codec that was agreed on. */
import type { RtpPacket } from '../../../media/types.ts'
import { createEncoder } from '../../../transcode/voice/encoders.ts'
import { loadOpus } from '../../../transcode/voice/opus.ts'
import type { AgreedCodec } from '../offer-answer/types.ts'
import type { Call } from './call.ts'
import { decodeFile } from './decode-file.ts'

const PACKET_US = 20_000
const PER_SECOND = 50

/** Samples per second that each codec is made of. */
const rates: Readonly<Record<AgreedCodec['id'], number>> = {
  opus: 48_000,
  g722: 16_000,
  pcmu: 8000,
  pcma: 8000,
  h264: 0,
}

const encoderFor = async ({ id, channels }: AgreedCodec) => {
  const rate = rates[id]
  const from = { codec: 'l16', kind: 'audio', clockRate: rate, channels: 1 } as const
  const to = { codec: id, kind: 'audio', form: 'frame', channels, sampleRate: rate } as const
  return createEncoder(from, to, id === 'opus' ? await loadOpus() : undefined)
}

/** One packet for every 20 ms, from now to the end of the samples or of the call. */
const play = (call: Call, { clockRate }: AgreedCodec, payloads: readonly Uint8Array[]): Promise<void> =>
  new Promise(resolve => {
    const { clock } = call.board.context
    const start = clock.now()
    let sent = 0
    const write = (bytes: Uint8Array): void => {
      const ts = (sent * clockRate) / PER_SECOND
      const place = { payloadStart: 0, payloadEnd: bytes.length, seq: sent, ts }
      const packet: RtpPacket = {
        ...place,
        bytes,
        marker: sent === 0,
        key: true,
        head: true,
        arrival: clock.now(),
      }
      call.media.audio?.play(packet)
      sent++
    }
    const tick = (): void => {
      const due = Math.floor((clock.now() - start) / PACKET_US) + 1
      while (sent < due && sent < payloads.length) write(payloads[sent]!)
      if (call.isOver || sent >= payloads.length) resolve()
      else clock.after(start + sent * PACKET_US - clock.now(), tick)
    }
    tick()
  })

const chop = (samples: Int16Array, size: number): readonly Int16Array[] =>
  Array.from({ length: Math.floor(samples.length / size) }, (_, index) =>
    samples.subarray(index * size, (index + 1) * size),
  )

/** Resolves when it has been played. @throws GatewayError 'io-failed' */
export const playFile = async (call: Call, path: string): Promise<void> => {
  const codec = call.media.audio?.agreed?.codec
  if (codec === undefined || codec.id === 'h264') return
  const encoder = await encoderFor(codec)
  if (encoder === undefined) return
  const ffmpeg = call.board.context.ffmpegPath?.() ?? 'ffmpeg'
  const samples = await decodeFile(ffmpeg, path, encoder.rate)
  const payloads = chop(samples, encoder.rate / PER_SECOND).map(pcm => encoder.encode(pcm))
  if (!call.isOver) await play(call, codec, payloads)
}
