/** The ways on which ffmpeg's RTP comes in: encrypted, IPv6, multicast; senders that come back; key frames on request. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rtp as adapter } from '../../src/adapters/rtp/adapter.ts'
import type { Closable, Publication } from '../../src/core/types.ts'
import { createTestContext, type TestContext } from '../helpers/adapter-context.ts'
import { type MemoryEgress, memoryEgress } from '../helpers/memory-egress.ts'
import { startProgram, stopPrograms, until } from '../helpers/program.ts'
import { freePairs } from '../helpers/rtp-gateway.ts'
import { openRtpPeer, rtpPacket } from '../helpers/rtp-peer.ts'
import { decodeSound, frequencyOf } from '../helpers/sound.ts'

let context: TestContext
beforeAll(() => {
  context = createTestContext()
})
afterAll(async () => {
  await stopPrograms()
  await context.close()
})

interface Heard {
  readonly publication: Publication
  readonly source: Closable
  readonly egress: MemoryEgress
}

const listenTo = async (stream: string, url: string): Promise<Heard> => {
  const publication = context.registry.publish(stream, { label: stream, onConflict: 'reject' })
  const source = await adapter.pull!(context, adapter.config.parse({}), new URL(url), publication)
  const egress = memoryEgress({ accepts: [{ kind: 'audio', codec: 'pcmu', form: 'frame' }] })
  context.registry.subscribe(stream, egress, { start: 'live', waitMs: 20_000 }).catch(() => {})
  return { publication, source, egress }
}

/** A tone as long as it is let. */
const tone = (hertz: number, target: string, ...options: readonly string[]) =>
  startProgram('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', `sine=frequency=${hertz}:sample_rate=8000`],
    ...['-af', 'asetnsamples=160:p=0', '-c:a', 'pcm_mulaw', '-ac', '1', ...options, '-f', 'rtp', target],
  ])

const heardTone = async ({ egress }: Heard, from = 0): Promise<number> => {
  await until('a second of sound', () => egress.frames.length > from + 60)
  const { rate, channels } = await decodeSound(egress.frames.slice(from, from + 55))
  return Math.round(frequencyOf(channels[0]!.subarray(rate / 10), rate))
}

test.concurrent.each(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'])('SRTP with %s', async suite => {
  const port = await freePairs(1)
  const key = randomBytes(30).toString('base64')
  const url = `rtp://127.0.0.1:${port}?codec=pcmu&srtp=${suite}:${encodeURIComponent(key)}`
  const heard = await listenTo(suite, url)
  const sender = tone(500, `srtp://127.0.0.1:${port}`, '-srtp_out_suite', suite, '-srtp_out_params', key)
  expect(await heardTone(heard), sender.output()).toBe(500)
  await sender.stop()
})

test.concurrent('IPv6', async () => {
  const port = await freePairs(1)
  const heard = await listenTo('six', `rtp://[::1]:${port}?codec=pcmu`)
  const sender = tone(600, `rtp://[::1]:${port}`)
  expect(await heardTone(heard), sender.output()).toBe(600)
  await sender.stop()
})

test.concurrent('a multicast group on one interface, heard by two at once', async () => {
  const port = await freePairs(1)
  const group = `239.255.${port >> 8}.${port & 255}`
  const query = 'codec=pcmu&interface=127.0.0.1'
  const heard = await Promise.all([
    listenTo('group-1', `rtp://${group}:${port}?${query}`),
    listenTo('group-2', `rtp://${group}:${port}?${query}&source=127.0.0.1`),
  ])
  const sender = tone(700, `rtp://${group}:${port}?localaddr=127.0.0.1&ttl=0`)
  expect(await Promise.all(heard.map(each => heardTone(each))), sender.output()).toEqual([700, 700])
  await sender.stop()
})

test.concurrent('a sender that is started again goes on in the same stream, on one time line', async () => {
  const port = await freePairs(1)
  const heard = await listenTo('again', `rtp://127.0.0.1:${port}?codec=pcmu&timeout=8`)
  const first = tone(800, `rtp://127.0.0.1:${port}`)
  expect(await heardTone(heard)).toBe(800)
  await first.stop()
  const before = heard.egress.frames.length
  const second = tone(400, `rtp://127.0.0.1:${port}`)
  expect(await heardTone(heard, before + 5), second.output()).toBe(400)
  const times = heard.egress.frames.map(({ pts }) => pts)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(times.at(-1)! - times[0]!).toBeLessThan(8000 * 60)
  expect(heard.publication.signal.aborted).toBe(false)
  await second.stop()
})

test.concurrent('silence ends it, and the reason names the seconds; before anybody came it waits', async () => {
  const port = await freePairs(1)
  const heard = await listenTo('silent', `rtp://127.0.0.1:${port}?codec=pcmu&timeout=0.3`)
  await until('it was said that nothing comes', () =>
    context.logged.some(line => line.includes(`nothing usable has come to udp 127.0.0.1:${port} for 0.3 s`)),
  )
  expect(heard.source.signal.aborted).toBe(false)
  await using peer = await openRtpPeer()
  for (const seq of [1, 2, 3]) await peer.send(port, rtpPacket({ seq }))
  const reason = await heard.source.closed
  expect(reason).toEqual({ code: 'timeout', detail: `rtp 127.0.0.1:${port}: nothing came for 0.3 s` })
})

test.concurrent('a source that says so is asked for key frames, for the first one too', async () => {
  const port = await freePairs(1)
  const publication = context.registry.publish('asked', { label: 'asked', onConflict: 'reject' })
  const url = new URL(`rtp://127.0.0.1:${port}?codec=vp8&feedback=pli,nack`)
  await adapter.pull!(context, adapter.config.parse({}), url, publication)
  await using sender = await openRtpPeer()
  await using control = await openRtpPeer()
  const asked = (): number => control.rtcp.filter(({ type }) => type === 'picture-loss').length
  const send = (seq: number, payload: Buffer): Promise<void> =>
    sender.send(port, rtpPacket({ seq, ts: seq * 3000, payloadType: 96, marker: true, payload }))
  await control.sendRtcp(port + 1, [{ type: 'receiver-report', ssrc: 0x11111111, blocks: [] }])
  let seq = 0
  await until('asked for the first', async () => {
    await send(seq++, DELTA)
    return asked() > 0
  })
  await until('the stream', async () => {
    await send(seq++, KEY)
    return context.registry.find('asked')?.state === 'ready'
  })
  const before = asked()
  const egress = memoryEgress({ accepts: [{ kind: 'video', codec: 'vp8', form: 'rtp' }] })
  await context.registry.subscribe('asked', egress, { start: 'live' })
  await until('asked for one more', async () => {
    await send(seq++, DELTA)
    return asked() > before
  })
  expect(context.registry.find('asked')?.tracks[0]?.keyframeOnRequest).toBe(true)
})

/** A VP8 payload descriptor with an inter frame, and with a key frame of 16 x 16. */
const DELTA = Buffer.from([0x10, 0x01, 0, 0, 0, 0, 0, 0])
const KEY = Buffer.from([0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 16, 0, 16, 0, 0, 0])
