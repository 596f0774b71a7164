/** The far ends of many calls: each sends a packet every 20 ms and looks at what comes back. One is measured by ear. */
import { Decoder, Encoder } from '@evan/opus'
import { decodeG711, encodeG711, lawOf } from '../../src/media/g711/law.ts'
import { RTP_HEADER_BYTES } from '../../src/media/rtp/packet.ts'
import { loadNative } from '../../src/native/index.ts'
import { POOL_SLOT_MASK } from '../../src/native/types.ts'
import { writeHeader } from '../../src/rtp-session/plain/outgoing.ts'
import { SendBatch } from '../../src/rtp-session/plain/send-batch.ts'
import { createHistogram } from './parts/histogram.ts'

/** How many calls there are, and what their second ends speak. */
interface Order {
  readonly calls: number
  readonly codec: 'pcmu' | 'opus'
}
export interface Told {
  readonly sent: number
  readonly received: number
  readonly gapErrorP50Ms: number
  readonly gapErrorP99Ms: number
  /** From the moment that a tone goes into the gateway to the moment that it comes out. */
  readonly delayP50Ms: number
  readonly delayP99Ms: number
  readonly tones: number
}

const PACKET_MS = 20
/** A real far end is another machine, and to wake it costs the gateway nothing: this one looks when it has slept. */
const TICK_MS = 2
/** So that what has come is read although more is owed. */
const MOST_AT_ONCE = 1000
/** A loop of sound: a tone begins with every one, and lasts for a quarter of it. */
const LOOP = 50
const LOUD_LOOPS = 12
const law = lawOf('pcmu')
const unsent = { unsent: 0 }
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const sleep = (ms: number): void => void Atomics.wait(sleeper, 0, 0, ms)

/** What every end says again and again: a voice for the encoder's sake, then the tone that is timed. */
const speech = (rate: number, packet: number): Int16Array => {
  const length = (rate * PACKET_MS) / 1000
  const loud = packet < LOUD_LOOPS
  return Int16Array.from({ length }, (_, i) => {
    const t = (packet * length + i) / rate
    return loud ? 12_000 * Math.sin(2 * Math.PI * 800 * t) : 60 * Math.sin(2 * Math.PI * 150 * t)
  })
}
const loopOf = (codec: 'pcmu' | 'opus'): readonly Uint8Array[] => {
  const encoder = new Encoder({ channels: 1, sample_rate: 48_000, application: 'voip' })
  encoder.bitrate = 32_000
  return Array.from({ length: LOOP }, (_, packet) =>
    codec === 'pcmu' ? encodeG711(law, speech(8000, packet)) : encoder.encode(speech(48_000, packet)),
  )
}

/** Finds where a tone begins, to the sample. */
const createEar = (codec: 'pcmu' | 'opus', onOnset: (offsetMs: number) => void) => {
  const decoder = new Decoder({ channels: 1, sample_rate: 8000 })
  let quiet = 0
  const samplesOf = (payload: Uint8Array): Int16Array => {
    if (codec === 'pcmu') return decodeG711(law, payload)
    const pcm = decoder.decode(payload)
    return new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1)
  }
  return (payload: Uint8Array): void => {
    const samples = samplesOf(payload)
    const at = samples.findIndex(sample => Math.abs(sample) > 3000)
    if (at >= 0 && quiet > 10) onOnset((at / 8000) * 1000)
    quiet = at >= 0 ? 0 : quiet + 1
  }
}

const run = ({ calls, codec }: Order): void => {
  const pool = loadNative().createUdpPool()
  const kinds = ['pcmu', codec] as const
  const sockets = Array.from({ length: calls * 2 }, () => pool.open({ host: '127.0.0.1', port: 0 }))
  const loops = kinds.map(loopOf)
  const indexes = new Int32Array(POOL_SLOT_MASK + 1)
  for (const [index, socket] of sockets.entries()) indexes[socket & POOL_SLOT_MASK] = index
  const gaps = createHistogram()
  const delays = createHistogram()
  const lastUs = new Float64Array(sockets.length)
  let received = 0
  let sent = 0
  let measuring = false
  /** When the last tone of each end of the first call was sent, milliseconds. */
  const begunMs = [0, 0]
  let arrivedMs = 0
  const ears = kinds.map((kind, side) =>
    createEar(kind, offsetMs => {
      if (measuring) delays.add(Math.max(0, arrivedMs + offsetMs - begunMs[1 - side]!))
    }),
  )

  pool.onBatch(({ count, slab, offsets, lengths, sockets: from, arrivedUs }) => {
    for (let i = 0; i < count; i++) {
      const index = indexes[from[i]! & POOL_SLOT_MASK]!
      const atUs = arrivedUs[i]!
      if (lengths[i]! < 13 || slab[offsets[i]! + 1]! >= 200) continue
      if (measuring) received += 1
      if (measuring && lastUs[index]! > 0) gaps.add(Math.abs(atUs - lastUs[index]! - PACKET_MS * 1000) / 1000)
      lastUs[index] = atUs
      if (index > 1) continue
      arrivedMs = atUs / 1000
      ears[index]!(slab.subarray(offsets[i]! + 12, offsets[i]! + lengths[i]!))
    }
  })

  const begin = (remote: readonly number[]): void => {
    const to = remote.map(port => pool.intern('127.0.0.1', port))
    for (const id of to) pool.retain(id)
    const batch = new SendBatch(pool)
    const send = (index: number, turn: number): void => {
      const side = index % 2
      const payload = loops[side]![turn % LOOP]!
      const isG711 = kinds[side] === 'pcmu'
      if (index < 2 && turn % LOOP === 0) begunMs[side] = performance.now()
      batch.room(RTP_HEADER_BYTES + payload.length)
      const { bytes, end } = batch
      writeHeader(bytes, end, isG711 ? 0 : 111, turn, turn * (isG711 ? 160 : 960), index + 1)
      bytes.set(payload, end + RTP_HEADER_BYTES)
      batch.add(RTP_HEADER_BYTES + payload.length, sockets[index]!, to[index]!, unsent)
    }
    const started = performance.now()
    let done = 0
    const turn = (): void => {
      const owed = Math.floor(((performance.now() - started) / PACKET_MS) * sockets.length)
      const until = Math.min(owed, done + MOST_AT_ONCE)
      for (; done < until; done++) {
        send(done % sockets.length, Math.floor(done / sockets.length))
        if (measuring) sent += 1
      }
      batch.flush()
      if (done === owed) sleep(TICK_MS)
      setImmediate(turn)
    }
    turn()
  }

  const tell = (): Told => ({
    ...{ sent: sent - unsent.unsent, received, tones: delays.count() },
    ...{ gapErrorP50Ms: gaps.quantile(0.5), gapErrorP99Ms: gaps.quantile(0.99) },
    ...{ delayP50Ms: delays.quantile(0.5), delayP99Ms: delays.quantile(0.99) },
  })
  process.on('message', (message: readonly number[] | 'measure' | 'tell') => {
    if (message === 'tell') process.send!(tell())
    else if (message === 'measure') measuring = true
    else begin(message)
  })
  process.send!(sockets.map(socket => pool.addressOfSocket(socket).port))
}

process.once('message', run)
process.once('disconnect', () => process.exit())
