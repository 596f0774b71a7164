/** The log of events over HTTP: server-sent events and WebSocket, resumed, filtered, refused, let go. */
import { request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { GatewayEvent } from '../../../src/events/event.ts'
import { createGateway, type Gateway } from '../../../src/gateway.ts'
import { eventSchema } from '../../../src/http/schemas/event.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { picture, vp8 } from '../../helpers/core-media.ts'
import { memoryEgress } from '../../helpers/memory-egress.ts'
import { until } from '../../helpers/program.ts'

const logged: string[] = []
const log = createLogger({ level: 'warn', format: 'json' }, { write: line => logged.push(line) })
const anywhere = { listen: { host: '127.0.0.1', port: 0 } }
let gateway: Gateway
let port: number
let host: string

beforeAll(async () => {
  gateway = await createGateway({ http: anywhere, rtmp: anywhere, webrtc: anywhere }, { log })
  port = gateway.doors.get('http')!.port
  host = `127.0.0.1:${port}`
})
afterAll(() => gateway.close())

interface Message {
  readonly id?: string
  readonly event?: string
  readonly data?: string
}

/** A minimal EventSource: fields by message. */
const listen = async (query = '', headers: Record<string, string> = {}) => {
  const abort = new AbortController()
  const response = await fetch(`http://${host}/v1/events${query}`, { headers, signal: abort.signal })
  const messages: Message[] = []
  let text = ''
  const read = async (): Promise<void> => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) {
        const fields = block
          .split('\n')
          .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)])
        messages.push(Object.fromEntries(fields))
      }
    }
  }
  const done = response.ok ? read().catch(() => undefined) : Promise.resolve()
  const events = (): GatewayEvent[] =>
    messages.filter(({ id }) => id !== undefined).map(({ data }) => JSON.parse(data!))
  return { response, messages, events, done, stop: () => abort.abort() }
}

const live = (name: string) => {
  const publication = gateway.registry.publish(name, {
    label: 'rtmp 10.0.0.1:5 rtmp://h/app/SECRET',
    onConflict: 'reject',
  })
  const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
  publication.ready()
  return { publication, video }
}

/** A life: ready, a reader comes and goes, closed. */
const live1 = async (name: string): Promise<void> => {
  const { publication, video } = live(name)
  const egress = memoryEgress({
    label: 'whep 10.0.0.2',
    accepts: [{ kind: 'video', codec: 'vp8', form: 'frame' }],
  })
  const subscription = await gateway.registry.subscribe(name, egress, { start: 'live' })
  video.write(picture(0))
  await subscription.close()
  await publication.close()
}

describe('server-sent events', () => {
  test('a life of a stream in order, each as its schema says, no key in any', async () => {
    const reader = await listen('?stream=sse/life')
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream')
    await live1('sse/life')
    await until('the end', () => reader.events().length === 4)
    reader.stop()
    expect(reader.events().map(({ type }) => type)).toEqual([
      'stream:ready',
      'subscriber:joined',
      'subscriber:left',
      'stream:closed',
    ])
    for (const event of reader.events()) expect(eventSchema.parse(event)).toEqual(event)
    expect(reader.events()[0]).toMatchObject({
      stream: 'sse/life',
      data: { publisher: 'rtmp 10.0.0.1:5 rtmp://h/app/***', tracks: ['video vp8 640x360'] },
    })
    expect(reader.events()[2]).toMatchObject({
      code: 'subscriber-left',
      data: { label: 'whep 10.0.0.2', units: 1 },
    })
    expect(JSON.stringify(reader.messages)).not.toContain('SECRET')
    expect(reader.messages.find(({ event }) => event === 'stream:ready')).toBeDefined()
  })

  test('Last-Event-ID goes on behind it, without a hole and without a repeat', async () => {
    await live1('sse/resume')
    const [ready, joined] = gateway.events.recent(4)
    const reader = await listen('?stream=sse/resume', { 'last-event-id': joined!.id })
    await until('the rest', () => reader.events().length === 2)
    reader.stop()
    expect(ready!.type).toBe('stream:ready')
    expect(reader.events().map(({ type }) => type)).toEqual(['subscriber:left', 'stream:closed'])
    const again = await listen('?stream=sse/resume', { 'last-event-id': 'other-7' })
    await until('the notice', () => again.messages.some(({ event }) => event === 'events:missed'))
    again.stop()
  })

  test('recent ones first, by type', async () => {
    await live1('sse/recent')
    const reader = await listen('?recent=4&type=stream:*,subscriber:left')
    await until('three', () => reader.events().length === 3)
    reader.stop()
    expect(reader.events().map(({ type }) => type)).toEqual([
      'stream:ready',
      'subscriber:left',
      'stream:closed',
    ])
  })

  test.each([
    ['?type=stream:gone', 'must name types of events'],
    ['?since=1', 'unknown key query.since'],
    ['?recent=many', 'query.recent'],
  ])('%s is refused by name', async (query, words) => {
    const { response } = await listen(query)
    expect(response.status).toBe(400)
    expect((await response.json()).detail).toContain(words)
  })

  test('a reader that does not read is let go, and that is logged', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /v1/events HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
    socket.pause()
    const before = gateway.events.readers
    await until('the reader', () => gateway.events.readers === before + 1)
    const data = { padding: 'x'.repeat(100_000) }
    await until('the end of it', () => {
      for (let i = 0; i < 20; i++) gateway.events.append('hook:test', { data })
      return gateway.events.readers === before
    })
    expect(logged.join('')).toMatch(
      /reader of events let go: too slow: \d+ bytes of events wait, 1048576 may/,
    )
    socket.destroy()
  })
})

describe('WebSocket', () => {
  const open = (query = '', options: object = {}) =>
    new Promise<{ socket: WebSocket; events: GatewayEvent[] }>((resolve, reject) => {
      const socket = new WebSocket(`ws://${host}/v1/events/ws${query}`, options)
      const events: GatewayEvent[] = []
      socket.on('message', text => events.push(JSON.parse(String(text))))
      socket.on('open', () => resolve({ socket, events }))
      socket.on('error', reject)
    })

  test('the same events, one JSON object a message, resumed by lastEventId', async () => {
    const { socket, events } = await open('?stream=ws/life')
    await live1('ws/life')
    await until('the end', () => events.length === 4)
    for (const event of events) expect(eventSchema.parse(event)).toEqual(event)
    socket.close()
    const again = await open(`?stream=ws/life&lastEventId=${events[2]!.id}`)
    await until('the last', () => again.events.length === 1)
    expect(again.events[0]!.type).toBe('stream:closed')
    again.socket.close()
    await until('both gone', () => gateway.events.readers === 0)
  })

  test.each([
    [{ origin: 'http://evil.example' }, 403],
    [{ headers: { host: 'evil.example' } }, 403],
    [{ origin: 'null' }, 403],
  ])('a foreign page or name is refused: %j', async (options, status) => {
    await expect(open('', options)).rejects.toThrow(String(status))
  })
  test('a wrong query is refused before the upgrade', async () => {
    await expect(open('?stram=x')).rejects.toThrow('400')
  })

  test('nothing else can be upgraded, and the answer is a problem document', async () => {
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      }
      const request = rawRequest({ port, host: '127.0.0.1', path: '/v1/streams', headers }, response => {
        let body = ''
        response.on('data', chunk => (body += chunk))
        response.on('end', () => resolve({ status: response.statusCode!, body }))
      })
      request.on('error', reject)
      request.end()
    })
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body).code).toBe('not-found')
  })

  test('a message that is too long ends the connection, not the gateway', async () => {
    const { socket } = await open()
    const closed = new Promise<number>(resolve => socket.on('close', resolve))
    socket.send('x'.repeat(10_000))
    expect(await closed).toBe(1009)
  })

  test('the end of the gateway ends both kinds of reader', async () => {
    const other = await createGateway({ http: anywhere, rtmp: anywhere, webrtc: anywhere }, { log })
    const at = `127.0.0.1:${other.doors.get('http')!.port}`
    const socket = new WebSocket(`ws://${at}/v1/events/ws`)
    await new Promise(resolve => socket.on('open', resolve))
    const sse = await fetch(`http://${at}/v1/events`)
    const closed = new Promise(resolve => socket.on('close', resolve))
    await other.close({ code: 'shutdown' })
    await closed
    await expect(sse.text()).rejects.toThrow()
  })
})

describe('bridges', () => {
  test('opened, each change of a destination with the reason, closed once; no key', async () => {
    const reader = await listen('?type=bridge:*,leg:changed')
    const { publication } = live('bridge/events')
    const from = 'stream:bridge/events'
    const reach = { resolveFile: (name: string) => name, resolveHost: undefined as never }
    const bridge = gateway.bridges.start({ from, to: ['rtmp://127.0.0.1:1/app/SECRET'], ...reach })
    await until('a try', () => reader.events().some(({ data }) => data?.state === 'backoff'))
    await bridge.close({ code: 'unpublished', detail: 'enough' })
    await until('the end', () => reader.events().some(({ type }) => type === 'bridge:closed'))
    reader.stop()
    await publication.close()
    const types = reader.events().map(({ type }) => type)
    expect(types[0]).toBe('bridge:opened')
    expect(types.filter(type => type === 'bridge:closed')).toHaveLength(1)
    expect(reader.events()[0]).toMatchObject({
      stream: 'bridge/events',
      data: { bridge: bridge.id, from, to: ['rtmp://127.0.0.1:1/app/***'] },
    })
    expect(reader.events().find(({ type }) => type === 'bridge:closed')!.data).toEqual(
      reader.events()[0]!.data,
    )
    expect(reader.events().find(({ data }) => data?.state === 'backoff')).toMatchObject({
      type: 'leg:changed',
      code: 'connect-failed',
      reason: expect.stringContaining('127.0.0.1'),
    })
    expect(JSON.stringify(reader.messages)).not.toContain('SECRET')
  })
})
