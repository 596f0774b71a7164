import { describe, expect, test } from 'vitest'
import { writeMessage } from '../../../src/adapters/rtmp/chunk-writer.ts'
import { RtmpClientSession } from '../../../src/adapters/rtmp/client-session.ts'
import { encodeCommand } from '../../../src/adapters/rtmp/commands.ts'
import type { Transport } from '../../../src/adapters/rtmp/connection.ts'
import { answerClient } from '../../../src/adapters/rtmp/handshake.ts'
import { MESSAGE, RTMP_LIMITS } from '../../../src/adapters/rtmp/message.ts'
import { RtmpSession, type StreamRequest } from '../../../src/adapters/rtmp/session.ts'
import { shareMedia } from '../../../src/adapters/rtmp/shared-chunks.ts'
import { parseRtmpUrl } from '../../../src/adapters/rtmp/url.ts'
import { GatewayError } from '../../../src/errors.ts'
import type { AmfValue } from '../../../src/media/amf/value.ts'
import type { FlvTag } from '../../../src/media/flv/types.ts'
import { createMemoryTransport } from '../../helpers/rtmp-memory.ts'

const address = parseRtmpUrl(new URL('rtmp://host/live/SECRET?a=b'))

/** Our client and our server with memory between them; bytes are handed on in a later turn. */
const connectBoth = (decide: (request: StreamRequest) => void) => {
  const seen: StreamRequest[] = []
  const serverTags: FlvTag[] = []
  const clientTags: FlvTag[] = []
  const ends: string[] = []
  const failures: GatewayError[] = []
  const pipe = (deliver: (bytes: Uint8Array) => void): Transport => ({
    write: bytes => queueMicrotask(() => deliver(bytes)),
    backlog: () => 0,
    pause: () => undefined,
    resume: () => undefined,
    end: () => undefined,
  })
  const ask = (request: StreamRequest): void => {
    seen.push(request)
    decide(request)
  }
  const server = new RtmpSession(
    RTMP_LIMITS,
    pipe(bytes => client.receive(bytes)),
    {
      onPublish: ask,
      onPlay: ask,
      onTag: (_, tag) => serverTags.push(tag),
      onEnd: streamId => ends.push(`stream ${streamId}`),
      onFailure: error => failures.push(error),
    },
  )
  const client = new RtmpClientSession(
    address,
    RTMP_LIMITS,
    pipe(bytes => server.receive(bytes)),
    {
      onTag: tag => clientTags.push(tag),
      onEnd: description => ends.push(description),
      onFailure: error => failures.push(error),
    },
  )
  return { server, client, seen, serverTags, clientTags, ends, failures }
}

/** A server that answers the handshake and then says just what it is told. */
const rudeServer = (...answers: readonly AmfValue[][]) => {
  const transport = createMemoryTransport()
  const client = new RtmpClientSession(address, RTMP_LIMITS, transport, {
    onTag: () => undefined,
    onEnd: () => undefined,
    onFailure: () => undefined,
  })
  const published = client.publish()
  client.receive(answerClient(transport.take().subarray(1)))
  const talk = async (): Promise<void> => {
    for (const values of answers) {
      await new Promise(setImmediate)
      client.receive(writeMessage(3, MESSAGE.commandAmf0, 0, 0, encodeCommand(20, values), 128))
    }
    await new Promise(setImmediate)
  }
  return { client, published, talk, transport }
}

describe('RTMP client', () => {
  test('publishes to our server with the complex handshake, its query kept on the key', async () => {
    const { client, server, seen, serverTags, ends } = connectBoth(request => request.accept())
    expect(await client.publish()).toBe(1)
    expect(seen[0]?.path.stream).toBe('live/SECRET')
    expect(client.fourCcs).toContain('hvc1')
    const body = new Uint8Array(200_000).fill(7)
    client.connection.write(writeMessage(6, 9, 1, 17_000_000, body, 60_000))
    await new Promise(setImmediate)
    expect(serverTags).toMatchObject([{ type: 9, timestampMs: 17_000_000 }])
    expect(Buffer.compare(serverTags[0]!.body, body)).toBe(0)
    client.endPublish()
    await new Promise(setImmediate)
    expect(ends).toEqual(['stream 1'])
    expect(server.strayTags).toBe(0)
  })

  test('plays from our server until the server says that it is over', async () => {
    const { client, server, clientTags, ends } = connectBoth(request => request.accept())
    expect(await client.play()).toBe(1)
    server.connection.write(writeMessage(4, 8, 1, 5, Uint8Array.of(0xaf, 1, 2), 60_000))
    server.endPlay(1, 'source-ended: good night')
    await new Promise(setImmediate)
    expect(clientTags).toHaveLength(1)
    expect(ends[0]).toBe('source-ended: good night')
  })

  test.each([
    ['NetStream.Publish.BadName', 'Taken', 'refused'],
    ['NetStream.Publish.Unauthorized', 'Wrong password', 'unauthorized'],
    ['NetStream.Publish.Denied', 'The key SECRET?a=b is unknown', 'unauthorized'],
    ['NetStream.Play.StreamNotFound', 'Nothing here', 'stream-offline'],
  ])('%s: %s becomes %s', async (code, description, expected) => {
    const { client, failures } = connectBoth(request => request.reject(code, description))
    const error = await client.publish().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: expected })
    expect(String(error)).toContain(code)
    expect(String(error)).not.toContain('SECRET')
    expect(failures).toHaveLength(1)
  })

  test('connect refused with _error says so', async () => {
    const info = { level: 'error', code: 'NetConnection.Connect.Rejected', description: 'no such app' }
    const { published, talk } = rudeServer(['_error', 1, null, info])
    const error = published.catch((thrown: unknown) => thrown)
    await talk()
    expect(String(await error)).toMatch(
      /connect was answered with NetConnection.Connect.Rejected: no such app/,
    )
  })

  test('publishes on the message stream that createStream returned, media included', async () => {
    const status = { level: 'status', code: 'NetStream.Publish.Start' }
    const accepted = ['onStatus', 0, null, status]
    const server = rudeServer(['_result', 1, null, null], ['_result', 4, null, 5], accepted)
    await server.talk()
    expect(await server.published).toBe(5)
    const sent = Buffer.from(server.transport.take())
    const publish = sent.indexOf(Buffer.from(encodeCommand(20, ['publish'])))
    expect(sent.readUInt32LE(publish - 4)).toBe(5)

    const body = Uint8Array.of(0x17, 1, 0, 0, 0)
    const message = { type: 9, timestampMs: 7, body, role: 'frame', key: true, recurs: false } as const
    const streamOf = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32LE(8)
    expect([1, 5, 1].map(id => streamOf(shareMedia(message, id)))).toEqual([1, 5, 1])
  })

  test('a stream id that is none, and a server that vanishes', async () => {
    const nonsense = rudeServer(['_result', 1, null, null], ['_result', 4, null, 'five'])
    const error = nonsense.published.catch((thrown: unknown) => thrown)
    await nonsense.talk()
    expect(await error).toMatchObject({ code: 'refused' })
    const silent = rudeServer(['_result', 1, null, null])
    const failed = silent.published.catch((thrown: unknown) => thrown)
    await silent.talk()
    silent.client.fail(new GatewayError('timeout', silent.client.stage))
    expect(String(await failed)).toMatch(/createStream/)
    await expect(silent.client.play()).rejects.toMatchObject({ code: 'timeout' })
  })
})
