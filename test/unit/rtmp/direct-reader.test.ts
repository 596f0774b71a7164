/** What comes on a socket is the same, in the same order, whether its stream reads it or we do. */
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { DirectReader } from '../../../src/adapters/rtmp/direct-reader.ts'
import { createSocketTransport } from '../../../src/adapters/rtmp/socket-transport.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { until } from '../../helpers/program.ts'
import { openSocketPair, type SocketPair } from '../../helpers/socket-pair.ts'

const pairs: SocketPair[] = []
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close()
})

const open = async () => {
  const pair = await openSocketPair()
  pairs.push(pair)
  const got: Buffer[] = []
  const receive = (bytes: Uint8Array): void => void got.push(Buffer.from(bytes))
  return { ...pair, receive, text: () => Buffer.concat(got).toString('latin1') }
}

test('bytes come past the stream, in their order, large and small', async () => {
  const { near, far, receive, text } = await open()
  let streamed = 0
  near.on('data', ({ length }) => {
    streamed += length
  })
  expect(DirectReader.open(near, receive)).toBeDefined()
  const parts = Array.from({ length: 50 }, (_, i) =>
    String.fromCharCode(65 + (i % 26)).repeat(1 + i * 20_000),
  )
  for (const part of parts) far.write(part)
  const whole = parts.join('')
  await until('all is read', () => text().length === whole.length)
  expect(text() === whole).toBe(true)
  expect(streamed).toBe(0)
})

test('what the stream has read comes before what is read directly', async () => {
  const { near, far, text, receive } = await open()
  const transport = createSocketTransport(near, systemClock)
  near.on('data', bytes => {
    receive(bytes)
    transport.readDirectly(receive)
  })
  for (let i = 0; i < 200; i++) {
    far.write(`${i} `)
    if (i % 20 === 0) await new Promise(setImmediate)
  }
  const whole = Array.from({ length: 200 }, (_, i) => `${i} `).join('')
  await until('all is read', () => text().length === whole.length)
  expect(text()).toBe(whole)
})

test('a paused reader reads nothing, and goes on where it was', async () => {
  const { near, far, text, receive } = await open()
  const transport = createSocketTransport(near, systemClock)
  near.on('data', bytes => {
    receive(bytes)
    transport.readDirectly(receive)
  })
  far.write('one ')
  await until('it is read', () => text() === 'one ')
  transport.pause()
  far.write('two ')
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(text()).toBe('one ')
  transport.resume()
  far.write('three')
  await until('all is read', () => text() === 'one two three')
})

test('the end comes to the stream, behind all bytes', async () => {
  const { near, far, text, receive } = await open()
  near.resume()
  DirectReader.open(near, receive)
  const ended = once(near, 'end')
  far.end('last words')
  await ended
  expect(text()).toBe('last words')
})

test('a reset comes to the stream', async () => {
  const { near, far, receive } = await open()
  near.on('error', () => undefined).resume()
  DirectReader.open(near, receive)
  const closed = once(near, 'close')
  far.resetAndDestroy()
  await closed
})

test('handed back, the stream reads on', async () => {
  const { near, far, text, receive } = await open()
  let streamed = ''
  near.on('data', bytes => {
    streamed += bytes.toString()
  })
  const reader = DirectReader.open(near, receive)!
  far.write('direct ')
  await until('it is read', () => text() === 'direct ')
  reader.handBack()
  reader.handBack()
  far.write('streamed')
  await until('it is read', () => streamed === 'streamed')
  expect(text()).toBe('direct ')
})

test('a receiver that destroys its socket gets nothing more', async () => {
  const { near, far } = await open()
  near.resume()
  let calls = 0
  DirectReader.open(near, () => {
    calls++
    near.destroy()
  })
  const closed = once(near, 'close')
  far.on('error', () => undefined)
  far.write('x'.repeat(1_000_000))
  await closed
  await new Promise(setImmediate)
  expect(calls).toBe(1)
})

test('readers leave no descriptor behind', async () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  const before = descriptors()
  for (let i = 0; i < 20; i++) {
    const { near, close, receive } = await open()
    near.resume()
    DirectReader.open(near, receive)
    close()
  }
  await until('all are closed', () => descriptors() <= before)
})
