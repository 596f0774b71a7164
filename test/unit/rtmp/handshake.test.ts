import { describe, expect, test } from 'vitest'
import { RtmpConnection } from '../../../src/adapters/rtmp/connection.ts'
import {
  answerClient,
  answerServer,
  describeVersion,
  greetServer,
} from '../../../src/adapters/rtmp/handshake.ts'
import { RTMP_LIMITS } from '../../../src/adapters/rtmp/message.ts'
import { createMemoryTransport } from '../../helpers/rtmp-memory.ts'

const version = (block: Buffer): number => block.readUInt32BE(4)

describe('handshake', () => {
  test('simple: the answer holds an echo of C1, and C2 an echo of S1', () => {
    const c1 = greetServer('simple').subarray(1)
    const answer = answerClient(c1)
    expect(answer).toHaveLength(1 + 1536 * 2)
    expect(answer[0]).toBe(3)
    expect(answer.subarray(1537)).toEqual(c1)
    expect(answerServer(answer.subarray(1, 1537))).toEqual(answer.subarray(1, 1537))
  })

  test('complex: both sides sign, and a changed bit makes it simple', () => {
    const c1 = greetServer('complex').subarray(1)
    const answer = answerClient(c1)
    expect(answer.subarray(1537)).not.toEqual(c1)
    const s1 = answer.subarray(1, 1537)
    expect(version(s1)).toBeGreaterThan(0)
    expect(answerServer(s1)).not.toEqual(s1)
    const flipped = Buffer.from(c1)
    flipped[1000]! ^= 1
    expect(answerClient(flipped).subarray(1537)).toEqual(flipped)
  })

  test.each([
    [0x16, /TLS/],
    [0x47, /HTTP/],
    [6, /RTMPE/],
    [99, /99/],
  ])('a first byte of %i is named', (byte, sentence) => {
    expect(describeVersion(byte)).toMatch(sentence)
    const failures: string[] = []
    const connection = new RtmpConnection('server', RTMP_LIMITS, createMemoryTransport(), {
      onOpen: () => undefined,
      onCommand: () => undefined,
      onTag: () => undefined,
      onUserControl: () => undefined,
      onFailure: error => failures.push(error.message),
    })
    connection.receive(Buffer.of(byte))
    connection.receive(Buffer.of(byte))
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(sentence)
  })
})
