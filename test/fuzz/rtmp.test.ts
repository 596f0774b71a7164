/** Any bytes, in any order: the connection lives or ends with one coded reason; nothing else happens. */
import { describe, expect, test } from 'vitest'
import { ChunkReader } from '../../src/adapters/rtmp/chunk-reader.ts'
import { RtmpClientSession } from '../../src/adapters/rtmp/client-session.ts'
import { encodeCommand } from '../../src/adapters/rtmp/commands.ts'
import { answerClient, greetServer } from '../../src/adapters/rtmp/handshake.ts'
import { RTMP_LIMITS } from '../../src/adapters/rtmp/message.ts'
import { RtmpSession } from '../../src/adapters/rtmp/session.ts'
import { parseRtmpUrl } from '../../src/adapters/rtmp/url.ts'
import { GatewayError } from '../../src/errors.ts'
import type { AmfValue } from '../../src/media/amf/value.ts'
import { createRandom, mutate, type Random } from '../helpers/random.ts'
import { chunks, command, createMemoryTransport, simpleHandshake } from '../helpers/rtmp-memory.ts'

const limits = { ...RTMP_LIMITS, mediaBytes: 1 << 16, pendingBytes: 1 << 17 }
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
const media = Buffer.alloc(400, 0x17)
const honest = Buffer.concat([
  command(['connect', 1, { app: 'live', tcUrl: 'rtmp://h/live', fourCcList: ['hvc1'] }]),
  chunks(1, u32(200), { csid: 2 }),
  command(['createStream', 2, null]),
  command(['publish', 3, null, 'cam', 'live'], { streamId: 1 }),
  chunks(18, encodeCommand(20, ['@setDataFrame', 'onMetaData', { width: 1 }]), { streamId: 1, csid: 5 }),
  chunks(9, media, { streamId: 1, csid: 6, chunkSize: 200, time: 0x100_0000 }),
  chunks(8, media.subarray(0, 50), { streamId: 1, csid: 70, time: 40 }),
  chunks(22, Buffer.from('0900000200000000000000aabb0000000d', 'hex'), { streamId: 1, csid: 6 }),
  chunks(2, u32(6), { csid: 2 }),
  command(['deleteStream', 4, null, 1]),
])

interface Outcome {
  readonly failures: GatewayError[]
  tags: number
  requests: number
}
const serve = (random: Random | undefined): { session: RtmpSession; outcome: Outcome } => {
  const outcome: Outcome = { failures: [], tags: 0, requests: 0 }
  const decide = (accept: () => void): void => {
    outcome.requests += 1
    if (random === undefined || random(8) > 0) accept()
  }
  const session = new RtmpSession(limits, createMemoryTransport(), {
    onPublish: request => decide(request.accept),
    onPlay: request => decide(request.accept),
    onTag: () => {
      outcome.tags += 1
    },
    onEnd: () => undefined,
    onFailure: error => outcome.failures.push(error),
  })
  return { session, outcome }
}
const feed = (session: { receive(bytes: Uint8Array): void }, bytes: Uint8Array, random: Random): void => {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random(700))
    session.receive(bytes.subarray(at, end))
    at = end
  }
}
const checkFailures = ({ failures }: Outcome): void => {
  expect(failures.length).toBeLessThanOrEqual(1)
  if (failures[0] !== undefined) expect(['malformed', 'limit-exceeded']).toContain(failures[0].code)
}

describe('fuzz: RTMP', () => {
  test('the honest stream is fine', () => {
    const { session, outcome } = serve(undefined)
    session.receive(Buffer.concat([simpleHandshake(), honest]))
    expect(outcome).toEqual({ failures: [], tags: 4, requests: 1 })
  })

  test('100 000 mutated chunk streams', () => {
    const random = createRandom(1)
    let errors = 0
    let messages = 0
    for (let round = 0; round < 100_000; round++) {
      const reader = new ChunkReader(limits, () => {
        messages += 1
      })
      try {
        reader.push(mutate(honest, random))
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        errors += 1
      }
    }
    expect(errors).toBeGreaterThan(1_000)
    expect(messages).toBeGreaterThan(50_000)
  })

  test('20 000 sessions with mutated messages, in pieces', () => {
    const random = createRandom(2)
    const handshake = simpleHandshake()
    let failed = 0
    for (let round = 0; round < 20_000; round++) {
      const { session, outcome } = serve(random)
      session.receive(handshake)
      feed(session, mutate(honest, random), random)
      checkFailures(outcome)
      failed += outcome.failures.length
    }
    expect(failed).toBeGreaterThan(100)
    expect(failed).toBeLessThan(20_000)
  })

  test('10 000 mutated handshakes, both roles', () => {
    const random = createRandom(3)
    const c1 = greetServer('complex')
    const address = parseRtmpUrl(new URL('rtmp://h/live/k'))
    const answer = answerClient(c1.subarray(1))
    for (let round = 0; round < 5_000; round++) {
      const { session, outcome } = serve(random)
      feed(session, Buffer.concat([mutate(c1, random), c1.subarray(1), honest]), random)
      checkFailures(outcome)
      const failures: GatewayError[] = []
      const client = new RtmpClientSession(address, limits, createMemoryTransport(), {
        onTag: () => undefined,
        onEnd: () => undefined,
        onFailure: error => failures.push(error),
      })
      void client.publish().catch(() => undefined)
      feed(client, Buffer.concat([mutate(answer, random), honest]), random)
      checkFailures({ failures, tags: 0, requests: 0 })
    }
  })
})

/** What a message stream may be; the model that the session must agree with. */
type Use = 'idle' | 'publishing' | 'playing'

describe('fuzz: order of messages', () => {
  const steps: readonly ((random: Random) => [values: AmfValue[], streamId: number])[] = [
    () => [['connect', 1, { app: 'live' }], 0],
    () => [['createStream', 2, null], 0],
    () => [['createStream', 2, null], 0],
    random => [['publish', 3, null, 'cam', 'live'], 1 + random(2)],
    random => [['publish', 3, null, ['cam', false, null, 7][random(4)], 'live'], random(4)],
    random => [['play', 4, null, ['cam', false, null][random(3)]], random(4)],
    random => [['deleteStream', 5, null, [1, 2, 'x', null][random(4)]], random(3)],
    random => [['closeStream', 6, null], random(4)],
    () => [['FCUnpublish', 7, null, 'cam'], 0],
    random => [['_result', random(9), null, null], random(3)],
    random => [['whatever', random(9), null], random(3)],
  ]

  test('3 000 random dialogues: media passes exactly where the model publishes', () => {
    const random = createRandom(4)
    let passed = 0
    for (let round = 0; round < 3_000; round++) {
      const uses = new Map<number, Use>()
      let connected = random(20) > 0
      const { session, outcome } = serve(undefined)
      session.receive(simpleHandshake())
      if (connected) session.receive(command(['connect', 1, { app: 'live' }]))
      for (let step = 0; step < 30; step++) {
        if (random(3) === 0) {
          const streamId = random(4)
          const only = [...uses.values()].filter(use => use === 'publishing').length === 1
          const before = outcome.tags
          session.receive(chunks(9, media, { streamId, csid: 6 }))
          if (streamId > 0) {
            const expected = uses.get(streamId) === 'publishing' && outcome.failures.length === 0
            expect(outcome.tags - before).toBe(expected ? 1 : 0)
          } else if (!only && uses.size === 0) expect(outcome.tags).toBe(before)
          passed += outcome.tags - before
          continue
        }
        const [values, streamId] = steps[random(steps.length)]!(random)
        session.receive(command(values, { streamId }))
        if (values[0] === 'connect') connected = true
        else if (!connected) expect(outcome.failures).toHaveLength(1)
        if (outcome.failures.length > 0 || !apply(uses, values, streamId)) break
      }
      checkFailures(outcome)
    }
    expect(passed).toBeGreaterThan(300)
  })

  /** false: the session hangs up. */
  const apply = (uses: Map<number, Use>, [name, , , arg]: AmfValue[], streamId: number): boolean => {
    const use = uses.get(streamId)
    if (name === 'createStream') {
      const free = [1, 2, 3, 4, 5, 6, 7, 8].find(id => !uses.has(id))
      if (free !== undefined) uses.set(free, 'idle')
    } else if (name === 'deleteStream') uses.delete(arg as number)
    else if (name === 'closeStream' || ((name === 'publish' || name === 'play') && arg === false)) {
      if (use !== undefined) uses.set(streamId, 'idle')
    } else if (name === 'FCUnpublish') {
      for (const [id, each] of uses) if (each === 'publishing') uses.set(id, 'idle')
    } else if (name === 'publish' || name === 'play') {
      if (use !== 'idle' || typeof arg !== 'string') return false
      uses.set(streamId, name === 'publish' ? 'publishing' : 'playing')
    }
    return true
  }
})
