/**
 * Requests that kill or fool other RTMP servers, aimed at ours over real sockets. Beside them runs an honest stream,
 * whose player must get every byte and nothing else.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Listener } from '../../src/adapters/adapter.ts'
import { rtmp } from '../../src/adapters/rtmp/adapter.ts'
import { GatewayError } from '../../src/errors.ts'
import { createTestContext, type TestContext } from '../helpers/adapter-context.ts'
import { until } from '../helpers/program.ts'
import { createRandom } from '../helpers/random.ts'
import { chunks, command, simpleHandshake } from '../helpers/rtmp-memory.ts'
import { openRtmp, openSocket, type RtmpSocket } from '../helpers/rtmp-socket.ts'

// H.264 baseline 320x180 by libx264, AAC-LC 44.1 kHz stereo.
const avcHeader = Buffer.from(
  `17000000000142c00dffe10016${'6742c00dd9014197f016a02020280000030008000003019478a15580'.slice(0, 44)}01000468cb83cb`,
  'hex',
)
const aacHeader = Buffer.from('af001210', 'hex')
const picture = (number: number, key: boolean): Buffer => {
  const nal = Buffer.concat([Buffer.of(key ? 0x65 : 0x41, 0x88), Buffer.alloc(200, number)])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(nal.length)
  return Buffer.concat([Buffer.of(key ? 0x17 : 0x27, 1, 0, 0, 0), length, nal])
}
const random = createRandom(11)
const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)))

let context: TestContext
let listener: Listener
let honest: RtmpSocket
let player: RtmpSocket
let sent: Buffer[]
const others: { close(): void }[] = []

const attacker = async (): Promise<RtmpSocket> => {
  const socket = await openRtmp(listener.port)
  others.push(socket)
  return socket
}
const videoOf = (socket: RtmpSocket): string[] =>
  socket.messages.filter(({ type }) => type === 9).map(({ body }) => Buffer.from(body).toString('hex'))
const sendPictures = (count: number): void => {
  for (let index = 0; index < count; index++) {
    const body = picture(sent.length, sent.length % 10 === 0)
    sent.push(body)
    honest.sendMedia(9, body, sent.length * 40)
  }
}

beforeEach(async () => {
  context = createTestContext(async ({ stream, token }) => {
    if (stream === 'live/members' && token !== 's3cret') throw new GatewayError('unauthorized', 'no token')
  })
  listener = (await rtmp.listen?.(
    context,
    rtmp.config.parse({ listen: { port: 0 }, handshakeTimeoutMs: 1500, maxConnections: 400 }),
  ))!
  sent = []
  honest = await openRtmp(listener.port)
  await honest.start('publish', 'live', 'honest')
  honest.sendMedia(9, avcHeader)
  honest.sendMedia(8, aacHeader)
  honest.sendMedia(8, Buffer.from('af012110', 'hex'))
  sendPictures(1)
  await until(
    () => context.logged.join('\n'),
    () => context.registry.find('live/honest')?.state === 'ready',
  )
  player = await openRtmp(listener.port)
  await player.start('play', 'live', 'honest')
})

/** After each attack the honest stream goes on, byte for byte. */
afterEach(async () => {
  sendPictures(25)
  await until(
    () => `the player has all pictures; ${context.logged.join('\n')}`,
    () => videoOf(player).length >= sent.length + 1,
  )
  expect(videoOf(player).slice(1)).toEqual(sent.map(body => body.toString('hex')))
  expect(honest.isClosed()).toBe(false)
  for (const socket of [honest, player, ...others.splice(0)]) socket.close()
  await context.close()
})

describe('attacks on the RTMP server', () => {
  test('random bytes, with and without a handshake', async () => {
    for (let round = 0; round < 20; round++) {
      const raw = await openSocket(listener.port)
      raw.on('error', () => undefined)
      others.push({ close: () => raw.destroy() })
      raw.write(Buffer.concat([round % 2 === 0 ? simpleHandshake() : Buffer.alloc(0), noise(20_000)]))
      raw.resume()
      await until('it is hung up on', () => raw.closed)
    }
    expect(context.logged.join('\n')).toMatch(/RTMP connection failed .*malformed/)
  })

  test.each<[string, Buffer]>([
    ['a bad tcUrl', command(['connect', 1, { app: 'live', tcUrl: 'notaurl' }])],
    ['no tcUrl', command(['connect', 1, { app: 'live' }])],
    ['a truncated command', chunks(20, Buffer.from([2, 0xff, 0xff, 0x41]))],
    [
      'an empty video message',
      Buffer.concat([chunks(9, Buffer.alloc(0), { csid: 6 }), Buffer.of(0xc6, 0, 0, 0)]),
    ],
    ['publish before connect', command(['publish', 1, null, 'x', 'live'])],
    ['publish without a name', command(['publish', 1, null])],
    [
      'chunk size 0',
      Buffer.concat([chunks(1, Buffer.alloc(4), { csid: 2 }), chunks(20, Buffer.alloc(300, 5))]),
    ],
    ['broken metadata', chunks(18, Buffer.from([2, 0, 50, 1, 2, 3]), { csid: 4 })],
    ['a message of 16 MB', Buffer.from('06000000fffff0090000000100', 'hex')],
  ])('%s', async (_, bytes) => {
    const evil = await attacker()
    evil.socket.write(bytes)
    evil.socket.on('error', () => undefined)
    await until('it is answered or hung up on', () => evil.isClosed() || evil.codes().length > 0)
  })

  test('60 chunk streams that each announce 8 MB and never end', async () => {
    const before = process.memoryUsage().arrayBuffers
    const evil = await attacker()
    for (let csid = 4; csid < 64; csid++) {
      const header = Buffer.alloc(12 + 127)
      header[0] = csid
      header.writeUIntBE(8 << 20, 4, 3)
      header[7] = 9
      evil.socket.write(header)
      evil.socket.write(Buffer.of(0))
    }
    await until('it is hung up on in time', () => evil.isClosed())
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20)
  })

  test('300 silent connections are hung up on', async () => {
    const sockets = await Promise.all(Array.from({ length: 300 }, () => openSocket(listener.port)))
    for (const socket of sockets) {
      socket.on('error', () => undefined)
      socket.resume()
      others.push({ close: () => socket.destroy() })
    }
    await until('all are closed', () => sockets.every(socket => socket.closed))
  })

  test('more connections than allowed', async () => {
    const sockets = await Promise.all(Array.from({ length: 420 }, () => openSocket(listener.port)))
    for (const socket of sockets) {
      socket.on('error', () => undefined)
      socket.resume()
      others.push({ close: () => socket.destroy() })
    }
    await until('22 are refused at once', () => sockets.filter(socket => socket.closed).length >= 22)
    expect(context.logged.join('\n')).toContain('RTMP connection refused: too many')
    await until('the others later', () => sockets.every(socket => socket.closed))
  })

  test('a player sends video into the stream it plays', async () => {
    const evil = await attacker()
    await evil.start('play', 'live', 'honest')
    evil.sendMedia(9, Buffer.from('2701000000deadbeef', 'hex'))
    evil.sendMedia(9, picture(99, true))
    evil.close()
    await until('it is counted', () =>
      /media dropped.*"stray":2|"stray":2.*media dropped/.test(context.logged.join('\n')),
    )
  })

  test('a publisher without credentials sends media while it is refused', async () => {
    const evil = await attacker()
    evil.send('connect', 1, { app: 'live' })
    evil.send('createStream', 2, null)
    evil.sendOn(1, 'publish', 3, null, 'members', 'live')
    for (let index = 0; index < 5; index++) evil.sendMedia(9, picture(index, true))
    await until(
      'it is refused',
      () => evil.codes().includes('NetStream.Publish.Unauthorized') || evil.isClosed(),
    )
    expect(evil.codes()).toContain('NetStream.Publish.Unauthorized')
    expect(context.registry.find('live/members')).toBeUndefined()
  })

  test('a second publisher of the same name is refused while the first is alive', async () => {
    const evil = await attacker()
    await evil.start('publish', 'live', 'honest')
    expect(evil.codes()).toContain('NetStream.Publish.BadName')
    evil.sendMedia(9, picture(99, true))
    await until('it is hung up on', () => evil.isClosed())
  })

  test.each([
    '../../../../tmp/pwned',
    '..',
    'a\u0000b',
    'a\nb',
    '%2e%2e/x',
    'C:\\x',
    '-rf',
    'x'.repeat(10_000),
    '\ud800',
    'a//b',
    '.',
  ])('the stream name %j is refused', async name => {
    const evil = await attacker()
    await evil.start('publish', 'live', name)
    expect(evil.codes()).toContain('NetStream.Publish.BadName')
    expect(context.registry.list().map(stream => stream.name)).toEqual(['live/honest'])
    expect(context.logged.join('\n')).not.toContain('pwned')
  })

  test('12 MB are acknowledged on the way', async () => {
    const sender = await attacker()
    await sender.start('publish', 'live', 'big')
    const body = Buffer.concat([Buffer.of(0x27, 1, 0, 0, 0), Buffer.alloc(100_000, 1)])
    for (let index = 0; index < 120; index++) sender.sendMedia(9, body, index * 10)
    const acknowledged = (): number[] =>
      sender.messages
        .filter(({ type }) => type === 3)
        .map(({ body: count }) => Buffer.from(count).readUInt32BE())
    await until('12 MB are acknowledged but for one window', () => (acknowledged().at(-1) ?? 0) > 9_500_000)
    expect(acknowledged().length).toBeGreaterThanOrEqual(4)
  })

  test('a player that never reads is let go, and its reason has numbers', async () => {
    const slow = await attacker()
    await slow.start('play', 'live', 'honest')
    slow.socket.pause()
    const pings = Buffer.concat(
      Array.from({ length: 4000 }, () => chunks(4, Buffer.of(0, 6, 0, 0, 0, 1), { csid: 2 })),
    )
    const flood = (): void => {
      if (slow.socket.writable && slow.socket.writableLength < 1 << 20) slow.socket.write(pings)
    }
    slow.socket.on('error', () => undefined)
    await until(
      'it is let go',
      () => {
        flood()
        return /the peer asks but does not read: \d+ bytes of answers wait/.test(context.logged.join('\n'))
      },
      30_000,
    )
  })
})
