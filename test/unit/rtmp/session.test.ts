import { describe, expect, test } from 'vitest'
import { ChunkReader } from '../../../src/adapters/rtmp/chunk-reader.ts'
import { encodeCommand, parseCommand } from '../../../src/adapters/rtmp/commands.ts'
import { MESSAGE, RTMP_LIMITS, type RtmpMessage } from '../../../src/adapters/rtmp/message.ts'
import { RtmpSession, type StreamRequest } from '../../../src/adapters/rtmp/session.ts'
import { decodeAmf0 } from '../../../src/media/amf/amf0-decode.ts'
import type { AmfValue } from '../../../src/media/amf/value.ts'
import type { FlvTag } from '../../../src/media/flv/types.ts'
import { chunks, command, createMemoryTransport, simpleHandshake } from '../../helpers/rtmp-memory.ts'

const limits = { ...RTMP_LIMITS, messageStreams: 3, replyBytes: 1000 }

const setUp = (decide: 'accept' | 'reject' | 'later' = 'accept') => {
  const transport = createMemoryTransport()
  const requests: StreamRequest[] = []
  const tags: FlvTag[] = []
  const ended: number[] = []
  const failures: string[] = []
  const ask = (request: StreamRequest): void => {
    requests.push(request)
    if (decide === 'accept') request.accept()
    else if (decide === 'reject') request.reject('NetStream.Publish.BadName', 'Taken')
  }
  const session = new RtmpSession(limits, transport, {
    onPublish: ask,
    onPlay: ask,
    onTag: (_, tag) => tags.push(tag),
    onEnd: streamId => ended.push(streamId),
    onFailure: error => failures.push(`${error.code}: ${error.message}`),
  })
  const messages: RtmpMessage[] = []
  const reader = new ChunkReader(RTMP_LIMITS, message => messages.push(message))
  session.receive(simpleHandshake())
  transport.take()
  const send = (...values: readonly AmfValue[]): void => session.receive(command(values))
  const sendOn = (streamId: number, ...values: readonly AmfValue[]): void =>
    session.receive(command(values, { streamId }))
  const replies = (): unknown[][] => {
    reader.push(transport.take())
    const found = messages.filter(message => message.type === MESSAGE.commandAmf0)
    messages.length = 0
    return found.map(message => JSON.parse(JSON.stringify(decodeAmf0(message.body))))
  }
  const codes = (): unknown[] =>
    replies().map(([name, , , info]) => (info as { code?: string } | null)?.code ?? name)
  const control = (): number[] => {
    reader.push(transport.take())
    return messages.splice(0).map(message => message.type)
  }
  const connect = (object: AmfValue = { app: 'live', tcUrl: 'rtmp://h/live' }): void => {
    send('connect', 1, object)
    send('createStream', 2, null)
  }
  return {
    session,
    transport,
    requests,
    tags,
    ended,
    failures,
    send,
    sendOn,
    replies,
    codes,
    control,
    connect,
  }
}

describe('RTMP session', () => {
  test('connect is answered with window, bandwidth, chunk size and success', () => {
    const peer = setUp()
    peer.send('connect', 1, { app: 'live', objectEncoding: 3 })
    expect(peer.control()).toEqual([5, 6, 20]) // chunk size (1) is taken by the reader itself
    peer.send('connect', 2, { app: 'live' })
    expect(peer.codes()).toEqual(['NetConnection.Connect.Rejected'])
  })

  test('Enhanced RTMP is answered when asked for, and only then', () => {
    const plain = setUp()
    plain.send('connect', 1, { app: 'live' })
    expect(JSON.stringify(plain.replies())).not.toContain('fourCcList')
    const enhanced = setUp()
    enhanced.connect({
      app: 'live',
      fourCcList: ['hvc1', 'av01'],
      videoFourCcInfoMap: { vp09: 4 },
      capsEx: 2,
    })
    const [, , , info] = enhanced.replies()[0] as [string, number, object, Record<string, unknown>]
    expect(info.fourCcList).toContain('hvc1')
    expect(info.videoFourCcInfoMap).toMatchObject({ av01: 5 })
    expect(info.capsEx).toBe(6)
    enhanced.sendOn(1, 'play', 0, null, 'cam')
    expect(enhanced.requests[0]?.fourCcs).toEqual(['hvc1', 'av01', 'vp09'])
  })

  test('publish as ffmpeg and OBS do it, then media', () => {
    const peer = setUp()
    peer.send('connect', 1, { app: 'live', tcUrl: 'rtmp://h/live' })
    peer.send('releaseStream', 2, null, 'cam')
    peer.send('FCPublish', 3, null, 'cam')
    peer.send('createStream', 4, null)
    peer.sendOn(1, 'publish', 5, null, 'cam?user=a&pass=b', 'live')
    expect(peer.replies().map(([name, transaction]) => [name, transaction])).toEqual([
      ['_result', 1],
      ['_result', 2],
      ['_result', 3],
      ['onFCPublish', 0],
      ['_result', 4],
      ['onStatus', 0],
    ])
    expect(peer.requests[0]?.path).toEqual({ stream: 'live/cam', user: 'a', pass: 'b' })
    peer.session.receive(chunks(9, Buffer.of(0x17, 0, 1), { streamId: 1, time: 40, csid: 6 }))
    expect(peer.tags).toMatchObject([{ type: 9, timestampMs: 40 }])
    peer.send('FCUnpublish', 6, null, 'cam?user=a&pass=b')
    peer.send('deleteStream', 7, null, 1)
    expect(peer.ended).toEqual([1])
    peer.session.receive(chunks(9, Buffer.of(0x17, 0, 1), { streamId: 1, time: 40, csid: 6 }))
    expect(peer.tags).toHaveLength(1)
    expect(peer.session.strayTags).toBe(1)
  })

  test('command type 17 and data type 15 mean the same as 20 and 18', () => {
    const peer = setUp()
    const send = (values: readonly AmfValue[], streamId = 0): void =>
      peer.session.receive(chunks(17, encodeCommand(17, values), { streamId }))
    peer.send('connect', 1, { app: 'live', objectEncoding: 3 })
    send(['createStream', 2, null])
    const reader: RtmpMessage[] = []
    new ChunkReader(RTMP_LIMITS, message => reader.push(message)).push(peer.transport.take())
    expect(parseCommand(reader.at(-1)!)).toMatchObject({ name: '_result', form: 17, args: [1] })
    send(['publish', 3, null, 'cam'], 1)
    const metadata = encodeCommand(20, ['@setDataFrame', 'onMetaData', { width: 1 }])
    peer.session.receive(chunks(15, Buffer.concat([Buffer.of(0), metadata]), { streamId: 1, csid: 5 }))
    peer.session.receive(chunks(18, metadata, { streamId: 1, csid: 5 }))
    const bodies = peer.tags.map(tag => JSON.stringify(decodeAmf0(tag.body)))
    expect(bodies).toEqual(['["onMetaData",{"width":1}]', '["onMetaData",{"width":1}]'])
  })

  test('an aggregate message is its parts, moved to its time', () => {
    const peer = setUp()
    peer.connect()
    peer.sendOn(1, 'publish', 3, null, 'cam')
    const part = (type: number, time: number, ...body: number[]): Buffer =>
      Buffer.concat([
        Buffer.of(type, 0, 0, body.length, 0, 0, time, 0, 0, 0, 0),
        Buffer.from(body),
        Buffer.of(0, 0, 0, 11 + body.length),
      ])
    peer.session.receive(
      chunks(22, Buffer.concat([part(8, 5, 1, 2), part(9, 25, 3)]), { streamId: 1, time: 1000, csid: 6 }),
    )
    expect(peer.tags).toMatchObject([
      { type: 8, timestampMs: 1000 },
      { type: 9, timestampMs: 1020 },
    ])
    peer.session.receive(chunks(22, Buffer.of(8, 0, 0, 99), { streamId: 1, csid: 6 }))
    expect(peer.tags).toHaveLength(2)
    expect(peer.session.connection.stats.ignored).toBe(1)
  })

  test('nothing is read while a decision is awaited, and nothing is lost', () => {
    const peer = setUp('later')
    peer.connect()
    const publish = command(['publish', 3, null, 'cam'], { streamId: 1 })
    const frame = chunks(9, Buffer.of(0x17, 0, 1), { streamId: 1, csid: 6 })
    peer.session.receive(Buffer.concat([publish, frame, frame.subarray(0, 5)]))
    expect(peer.transport.paused).toBe(true)
    peer.session.receive(frame.subarray(5))
    expect(peer.tags).toHaveLength(0)
    peer.requests[0]?.accept()
    expect(peer.transport.paused).toBe(false)
    expect(peer.tags).toHaveLength(2)
  })

  test('a refusal says why and hangs up', () => {
    const peer = setUp('reject')
    peer.connect()
    peer.sendOn(1, 'publish', 3, null, 'cam')
    expect(peer.codes().at(-1)).toBe('NetStream.Publish.BadName')
    expect(peer.transport.ended).toBe(true)
    peer.sendOn(1, 'publish', 4, null, 'cam')
    expect(peer.requests).toHaveLength(1)
  })

  test.each<[string, AmfValue[], number]>([
    ['without createStream', ['publish', 3, null, 'cam'], 5],
    ['without a name', ['publish', 3, null], 1],
    ['with a number as name', ['publish', 3, null, 7], 1],
  ])('publish %s fails by name, and nothing is asked', (_, values, streamId) => {
    const peer = setUp()
    peer.connect()
    peer.sendOn(streamId, ...values)
    expect(peer.codes().at(-1)).toBe('NetStream.Publish.Failed')
    expect(peer.requests).toHaveLength(0)
    expect(peer.transport.ended).toBe(true)
  })

  test('publish and play on one message stream do not go together; on two they do', () => {
    const peer = setUp()
    peer.connect()
    peer.send('createStream', 3, null)
    peer.sendOn(1, 'publish', 4, null, 'cam')
    peer.sendOn(2, 'play', 5, null, 'cam')
    expect(peer.requests).toHaveLength(2)
    peer.session.receive(chunks(9, Buffer.of(0x27, 1), { streamId: 2, csid: 6 }))
    expect(peer.tags).toHaveLength(0)
    peer.sendOn(2, 'publish', 6, null, 'other')
    expect(peer.codes().at(-1)).toBe('NetStream.Publish.Failed')
  })

  test('media on message stream 0 goes to the only publisher', () => {
    const peer = setUp()
    peer.connect()
    peer.session.receive(chunks(9, Buffer.of(0x27, 1), { streamId: 0, csid: 6 }))
    expect(peer.tags).toHaveLength(0)
    peer.sendOn(1, 'publish', 4, null, 'cam')
    peer.session.receive(chunks(9, Buffer.of(0x27, 1), { streamId: 0, csid: 6 }))
    expect(peer.tags).toHaveLength(1)
  })

  test('unknown commands are answered with an error, message streams are counted', () => {
    const peer = setUp()
    peer.connect()
    peer.replies()
    peer.send('makeCoffee\u0000', 3, null)
    peer.send('getStreamLength', 4, null, 'cam')
    for (const transaction of [5, 6, 7]) peer.send('createStream', transaction, null)
    const answers = peer.replies()
    expect(answers.map(([name]) => name)).toEqual(['_error', '_result', '_result', '_result', '_error'])
    expect(JSON.stringify(answers[0])).toContain('makeCoffee? is not supported')
  })

  test('publish(false) and closeStream end what was published', () => {
    const peer = setUp()
    peer.connect()
    peer.sendOn(1, 'publish', 3, null, 'cam')
    peer.sendOn(1, 'publish', 4, null, false)
    peer.sendOn(1, 'publish', 5, null, 'cam')
    peer.sendOn(1, 'closeStream', 6, null)
    expect(peer.ended).toEqual([1, 1])
    expect(peer.requests).toHaveLength(2)
  })

  test('a peer that asks and does not read is let go', () => {
    const peer = setUp()
    peer.connect()
    peer.transport.waiting = limits.replyBytes + 1
    const ping = Buffer.of(0, 6, 0, 0, 0, 1)
    peer.session.receive(Buffer.concat([chunks(4, ping, { csid: 2 }), chunks(4, ping, { csid: 2 })]))
    expect(peer.failures).toHaveLength(1)
    expect(peer.failures[0]).toMatch(/limit-exceeded: .*1001 bytes of answers wait, at most 1000/)
  })

  test('pings are answered, and windows acknowledged with what was received', () => {
    const peer = setUp()
    peer.connect()
    peer.control()
    peer.session.receive(chunks(4, Buffer.of(0, 6, 1, 2, 3, 4), { csid: 2 }))
    peer.session.receive(chunks(5, Buffer.of(0, 0, 4, 0), { csid: 2 }))
    expect(peer.control()).toEqual([4, 3])
    peer.session.receive(chunks(18, Buffer.alloc(2000), { csid: 5 }))
    expect(peer.control()).toEqual([3])
    peer.session.receive(chunks(6, Buffer.of(0, 1, 0, 0, 2), { csid: 2 }))
    expect(peer.control()).toEqual([5])
  })

  test.each([
    ['a command before connect', command(['createStream', 1, null])],
    ['a command that is no command', chunks(20, Buffer.of(5))],
    ['a truncated command', chunks(20, Buffer.of(2, 0xff, 0xff, 0x41))],
  ])('%s ends the connection with a reason', (_, bytes) => {
    const peer = setUp()
    peer.session.receive(bytes)
    expect(peer.failures).toHaveLength(1)
    expect(peer.failures[0]).toMatch(/^malformed: /)
  })

  test.each<[string, AmfValue]>([
    ['no object', null],
    ['no tcUrl', { app: 'live' }],
    ['a bad tcUrl', { app: 'live', tcUrl: 'notaurl' }],
    ['a number as app', { app: 5, tcUrl: 'rtmp://h/live' }],
  ])('connect with %s is harmless', (_, object) => {
    const peer = setUp()
    peer.connect(object)
    peer.sendOn(1, 'publish', 3, null, 'cam')
    expect(peer.failures).toEqual([])
    expect(peer.requests[0]?.path.stream).toBe(object === null ? 'cam' : 'live/cam')
  })
})
