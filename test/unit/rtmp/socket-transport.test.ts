/** What is written arrives, whole and in order, whichever way it takes. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createSocketTransport } from '../../../src/adapters/rtmp/socket-transport.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { loadNative } from '../../../src/native/index.ts'
import { settle } from '../../helpers/manual-clock.ts'
import { until } from '../../helpers/program.ts'
import { openSocketPair, type SocketPair } from '../../helpers/socket-pair.ts'

const pairs: SocketPair[] = []
const open = async () => {
  const pair = await openSocketPair()
  pairs.push(pair)
  return { ...pair, transport: createSocketTransport(pair.near, systemClock) }
}
afterEach(() => {
  vi.useRealTimers()
  for (const pair of pairs.splice(0)) pair.close()
})
/** Tells its place in the order by its content. */
const numbered = (number: number, size: number): Buffer => {
  const bytes = Buffer.alloc(size, number & 0xff)
  bytes.writeUInt32BE(number)
  return bytes
}

test('one message to many, and one of its own to each, in the order of writing', async () => {
  const readers = await Promise.all(Array.from({ length: 20 }, open))
  const shared = Buffer.from('shared ')
  for (const [index, { transport }] of readers.entries()) {
    transport.write(shared)
    transport.write(Buffer.from(`own ${index}`))
    expect(transport.backlog()).toBeGreaterThan(0)
  }
  for (const [index, { received, transport }] of readers.entries()) {
    await until('it is read', () => received().toString() === `shared own ${index}`)
    expect(transport.backlog()).toBe(0)
  }
})

describe('a message that may wait', () => {
  const sound = Buffer.from('sound ')
  const picture = Buffer.from('picture ')

  test('to many readers leaves with the next one that may not, in order', async () => {
    const readers = await Promise.all(Array.from({ length: 40 }, open))
    // However busy the machine is, the 30 ms do not end.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    for (const { transport } of readers) transport.write(sound, true)
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(readers.map(({ transport }) => transport.backlog())).toEqual(readers.map(() => sound.length))
    for (const { transport } of readers) transport.write(picture)
    await new Promise(setImmediate)
    expect(readers.every(({ transport }) => transport.backlog() === 0)).toBe(true)
    vi.useRealTimers()
    for (const { received } of readers)
      await until('it is read', () => received().toString() === 'sound picture ')
  })

  test('to many readers leaves alone when nothing follows', async () => {
    const readers = await Promise.all(Array.from({ length: 40 }, open))
    for (const { transport } of readers) transport.write(sound, true)
    for (const { received } of readers) await until('it is read', () => received().toString() === 'sound ')
  })

  test('to few readers does not wait', async () => {
    const readers = await Promise.all(Array.from({ length: 5 }, open))
    for (const { transport } of readers) transport.write(sound, true)
    await new Promise(setImmediate)
    expect(readers.every(({ transport }) => transport.backlog() === 0)).toBe(true)
  })

  test('leaves at once with the end of its connection, and a closed reader keeps nobody from it', async () => {
    const readers = await Promise.all(Array.from({ length: 40 }, open))
    for (const { transport } of readers) transport.write(sound, true)
    readers[0]!.near.destroy()
    readers[1]!.transport.end()
    for (const { received } of readers.slice(1))
      await until('it is read', () => received().toString() === 'sound ')
    expect(readers[0]!.received().length).toBe(0)
  })
})

test('more messages in one turn than one call takes', async () => {
  const { transport, received } = await open()
  const messages = Array.from({ length: 100 }, (_, number) => numbered(number, 1000))
  for (const message of messages) transport.write(message)
  await until('all are read', () => received().length === 100_000)
  expect(received().equals(Buffer.concat(messages))).toBe(true)
})

test('a reader that stops and goes on misses nothing', async () => {
  const { transport, received, near } = await open()
  const messages = Array.from({ length: 2000 }, (_, number) => numbered(number, 20_000))
  for (const [index, message] of messages.entries()) {
    transport.write(message)
    if (index % 50 === 49) await settle()
  }
  expect(transport.backlog()).toBeGreaterThan(1_000_000)
  expect(transport.backlog()).toBe(near.writableLength)
  await until('all is read', () => received().length === 40_000_000)
  expect(transport.backlog()).toBe(0)
  const last = numbered(2000, 500)
  transport.write(last)
  await until('it goes on', () => received().length === 40_000_500)
  expect(received().equals(Buffer.concat([...messages, last]))).toBe(true)
})

test('last words arrive, then the end', async () => {
  const { transport, received, far } = await open()
  transport.write(Buffer.from('good '))
  transport.write(Buffer.from('bye'))
  transport.end()
  received()
  await once(far, 'end')
  expect(received().toString()).toBe('good bye')
})

test('a socket that is closed in the turn of the write takes nothing from the others', async () => {
  const [gone, other] = [await open(), await open()]
  const message = Buffer.from('to both')
  gone.transport.write(message)
  other.transport.write(message)
  gone.near.destroy()
  await until('the other has it', () => other.received().toString() === 'to both')
  expect(gone.received().length).toBe(0)
  gone.transport.write(message)
  await settle()
})

test('a reader that resets ends its own socket and nothing else', async () => {
  const [gone, other] = [await open(), await open()]
  gone.far.resetAndDestroy()
  const message = Buffer.from('again ')
  for (let round = 0; !gone.near.destroyed || round < 5; round++) {
    gone.transport.write(message)
    other.transport.write(message)
    await settle()
  }
  const sofar = other.received().length
  other.transport.write(message)
  await until('it goes on', () => other.received().length > sofar)
  expect(other.received().toString()).toMatch(/^(again )+$/)
})

test('TLS: everything goes through the stream that encrypts', async () => {
  const { certPem: cert, keyPem: key } = loadNative().createCertificate()
  const server = createServer({ cert, key }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
  })
  const [near] = (await once(server, 'secureConnection')) as [TLSSocket]
  let text = ''
  far.on('data', bytes => {
    text += bytes.toString()
  })
  const transport = createSocketTransport(near, systemClock)
  transport.write(Buffer.from('secret '))
  transport.write(Buffer.from('words'))
  await until('it is deciphered', () => text === 'secret words')
  transport.end()
  await once(far, 'close')
  server.close()
})
