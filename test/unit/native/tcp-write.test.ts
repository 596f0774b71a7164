/** Shared messages to many sockets in one call, seen from the other ends. */
import { createHash, randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { loadNative } from '../../../src/native/index.ts'
import { TCP_MESSAGES, type WriteTcp } from '../../../src/native/types.ts'
import { until } from '../../helpers/program.ts'
import { descriptorOf, openSocketPair, type SocketPair } from '../../helpers/socket-pair.ts'

const write = (...args: Parameters<WriteTcp>): void => loadNative().writeTcp!(...args)
const pairs: SocketPair[] = []
const open = async (): Promise<SocketPair> => {
  const pair = await openSocketPair()
  pairs.push(pair)
  return pair
}
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close()
})

test('each socket gets the messages that its bits name, in their order', async () => {
  const [a, b] = [await open(), await open()]
  const messages = ['one ', 'two ', 'three '].map(text => Buffer.from(text))
  const writes = Int32Array.of(descriptorOf(a.near), 0b101, -1, descriptorOf(b.near), 0b111, -1)
  write(messages, writes, 2)
  expect([writes[2], writes[5]]).toEqual([0, 0])
  await until('both have read', () => a.received().length >= 10 && b.received().length >= 14)
  expect([a.received().toString(), b.received().toString()]).toEqual(['one three ', 'one two three '])
})

test('what a full socket did not take is said, what it took arrives', async () => {
  const full = await open()
  const message = Buffer.alloc(32 << 20, 7)
  const writes = Int32Array.of(descriptorOf(full.near), 1, 0)
  write([message], writes, 1)
  const [, , left] = writes
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(message.length)
  await until('it has arrived', () => full.received().length === message.length - left!)
  write([message], Int32Array.of(descriptorOf(full.near), 1, 0), 1)
})

/** Far more than the sockets of one call need for what is large to be put into memory that all of them share. */
const MANY = 80

test('a large message to many: each gets its choice, in order, and nothing changes on its way', async () => {
  const pairs = await Promise.all(Array.from({ length: MANY }, open))
  const choices = [0b111, 0b011, 0b110, 0b010, 0b101, 0b001]
  const chosenBy = (index: number): number => choices[index % choices.length]!
  const wanted = pairs.map(() => createHash('sha256'))
  const sizes = pairs.map(() => 0)
  // Nobody reads yet: what was sent first still waits when the last is sent.
  for (let round = 0; round < 4; round++) {
    const messages = [randomBytes(300), randomBytes(70_001), randomBytes(5000)]
    const writes = Int32Array.from(
      pairs.flatMap(({ near }, index) => [descriptorOf(near), chosenBy(index), -1]),
    )
    write(messages, writes, MANY)
    for (const [index, hash] of wanted.entries()) {
      const bytes = Buffer.concat(messages.filter((_, bit) => (chosenBy(index) & (1 << bit)) !== 0))
      const taken = bytes.length - writes[index * 3 + 2]!
      sizes[index]! += taken
      hash.update(bytes.subarray(0, taken))
    }
  }
  expect(Math.min(...sizes.filter((_, index) => (chosenBy(index) & 2) !== 0))).toBeGreaterThan(70_001)
  for (const [index, pair] of pairs.entries()) {
    await until('all is read', () => pair.received().length >= sizes[index]!)
    const hash = createHash('sha256').update(pair.received()).digest('hex')
    expect(hash).toBe(wanted[index]!.digest('hex'))
  }
})

test('a large message to many, of whom some are full, broken or closed', async () => {
  const pairs = await Promise.all(Array.from({ length: MANY }, open))
  const [full, broken] = pairs as [SocketPair, SocketPair]
  broken.far.resetAndDestroy()
  await until('the reset is seen', () => broken.near.destroyed)
  const descriptors = pairs.map(({ near }) => (near.destroyed ? -1 : descriptorOf(near)))
  let sent = 0
  for (let round = 0, left = 0; left === 0; round++) {
    const message = Buffer.alloc(1 << 20, round)
    const writes = Int32Array.from(descriptors.flatMap((fd, index) => [index < 2 ? fd : -1, 1, 0]))
    write([message], writes, MANY)
    left = writes[2]!
    sent += message.length - left
    expect(writes[5]).toBe(message.length)
  }
  const message = randomBytes(40_000)
  const writes = Int32Array.from(descriptors.flatMap(fd => [fd, 1, -1]))
  write([message], writes, MANY)
  const [, , leftByFull, , , leftByBroken] = writes
  expect(leftByFull).toBe(message.length)
  expect(leftByBroken).toBe(message.length)
  for (const pair of pairs.slice(2)) {
    await until('it is read', () => pair.received().length === message.length)
    expect(pair.received().equals(message)).toBe(true)
  }
  await until('what the full one took is read', () => full.received().length === sent)
})

test('a broken or closed socket takes nothing, and nobody else suffers', async () => {
  const [broken, healthy] = [await open(), await open()]
  broken.far.resetAndDestroy()
  await until('the reset is seen', () => broken.near.destroyed)
  const writes = Int32Array.of(-1, 1, 0, 1_000_000, 1, 0, descriptorOf(healthy.near), 1, 0)
  write([Buffer.from('hello')], writes, 3)
  expect([writes[2], writes[5], writes[8]]).toEqual([5, 5, 0])
  await until('it is read', () => healthy.received().toString() === 'hello')
})

test('no message, messages that are not there, and empty ones write nothing', async () => {
  const pair = await open()
  const descriptor = descriptorOf(pair.near)
  const writes = Int32Array.of(descriptor, 0, -1, descriptor, 0b1110, -1, descriptor, 0b10001, -1)
  write([Buffer.alloc(0)], writes, 3)
  expect([writes[2], writes[5], writes[8]]).toEqual([0, 0, 0])
  write([Buffer.from('end')], Int32Array.of(descriptor, 1, 0), 1)
  await until('only the last came', () => pair.received().toString() === 'end')
})

test('arguments that do not fit are refused', () => {
  const tooMany = Array.from({ length: TCP_MESSAGES + 1 }, () => Buffer.from('x'))
  expect(() => write(tooMany, new Int32Array(3), 0)).toThrow('at most 31')
  expect(() => write([], new Int32Array(5), 2)).toThrow('fewer writes than said')
  expect(() => write([], new Int32Array(3), -1)).toThrow('fewer writes than said')
  expect(() => write(['x'] as never, new Int32Array(3), 1)).toThrow('Uint8Array')
  expect(() => write([], new Uint8Array(12) as never, 1)).toThrow('Int32Array')
})
