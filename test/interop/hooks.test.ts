/** Hooks of a whole gateway with ffmpeg: nothing of a publisher is taken before the yes; events arrive signed and whole. */
import { createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GatewayEvent } from '../../src/events/event.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { type HookServer, startHookServer } from '../helpers/hook-server.ts'
import { stopPrograms, until } from '../helpers/program.ts'

const log = createLogger({ level: 'silent', format: 'json' })
const secret = 'a secret of these tests'
const anywhere = { listen: { host: '127.0.0.1', port: 0 } }

let server: HookServer
let gateway: Gateway
beforeEach(async () => {
  server = await startHookServer()
})
afterEach(async () => {
  await gateway.close({ code: 'shutdown' })
  await server[Symbol.asyncDispose]()
})
afterAll(stopPrograms)

const start = async (config: object): Promise<string> => {
  gateway = await createGateway({ http: anywhere, rtmp: anywhere, webrtc: anywhere, ...config }, { log })
  return `rtmp://127.0.0.1:${gateway.doors.get('rtmp')!.port}/live/cam`
}

describe('access hook', () => {
  const asked = { hook: { url: '', secret, timeoutMs: 2000 } }
  const withHook = (): object => ({ access: { hook: { ...asked.hook, url: server.url } } })

  test('until it says yes nothing of the publisher is there, and then everything', async () => {
    const url = await start(withHook())
    let held: ServerResponse | undefined
    server.answer = response => {
      held = response
    }
    const source = publishTestSource({ url: `${url}?token=word`, seconds: 5 })
    await until('the question', () => held !== undefined)
    expect(JSON.parse(server.requests[0]!.body)).toMatchObject({
      action: 'publish',
      stream: 'live/cam',
      protocol: 'rtmp',
      remote: '127.0.0.1',
      token: 'word',
    })
    expect(gateway.registry.list()).toEqual([])
    expect(gateway.registry.measures.tracks.sums.size).toBe(0)
    held!.writeHead(200).end()
    await until('it is live', () => gateway.registry.find('live/cam')?.state === 'ready')
    await source.stop()
  })

  test.each<[string, (response: ServerResponse) => void]>([
    ['403', response => void response.writeHead(403).end()],
    ['500', response => void response.writeHead(500).end()],
    ['no answer', () => undefined],
  ])('%s: not one frame, and an event says why', async (_what, answer) => {
    const url = await start(withHook())
    server.answer = answer
    expect(await publishTestSource({ url, seconds: 5 }).exited).not.toBe(0)
    expect(gateway.registry.measures.tracks.sums.size).toBe(0)
    const refused = gateway.events.recent(10).filter(({ type }) => type === 'publish:refused')
    expect(refused).toHaveLength(1)
    expect(refused[0]).toMatchObject({ stream: 'live/cam', code: 'forbidden' })
    expect(refused[0]!.reason).toContain('access hook')
  })

  test('viewers are asked about as well, over HTTP', async () => {
    await start(withHook())
    server.answer = response => void response.writeHead(403).end('{"reason":"not you"}')
    const { port } = gateway.doors.get('http')!
    const response = await fetch(`http://127.0.0.1:${port}/live/cam.flv?token=mine`)
    expect(response.status).toBe(403)
    expect((await response.json()).detail).toContain('not you')
    expect(JSON.parse(server.requests[0]!.body)).toMatchObject({ action: 'subscribe', token: 'mine' })
    // The API is not.
    expect((await fetch(`http://127.0.0.1:${port}/v1/streams`)).status).toBe(200)
    expect(server.requests).toHaveLength(1)
  })
})

describe('webhooks', () => {
  const events = (): GatewayEvent[] => server.requests.map(({ body }) => JSON.parse(body) as GatewayEvent)

  test("a stream's life arrives in order, once each, signed; the end of the gateway too", async () => {
    const url = await start({ webhooks: [{ url: server.url, secret, events: ['stream:*'] }] })
    const source = publishTestSource({ url, seconds: 30 })
    await until('it is live', () => events().length === 1, 20_000)
    await gateway.close({ code: 'shutdown', detail: 'for the test' })
    await source.stop()
    expect(events().map(({ type, stream }) => `${type} ${stream}`)).toEqual([
      'stream:ready live/cam',
      'stream:closed live/cam',
    ])
    expect(events()[1]).toMatchObject({ code: 'shutdown', reason: 'shutdown: for the test' })
    for (const { headers, body } of server.requests) {
      const timestamp = headers['x-crosspoint-timestamp']
      const expected = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
      expect(headers['x-crosspoint-signature']).toBe(`sha256=${expected}`)
      expect(headers['x-crosspoint-id']).toBe((JSON.parse(body) as GatewayEvent).id)
    }
  })

  test('a receiver that is away gets everything when it is back, in order, with the same ids', async () => {
    const url = await start({ webhooks: [{ url: server.url, secret, events: ['stream:*'] }] })
    let failures = 2
    server.answer = response => void response.writeHead(failures-- > 0 ? 503 : 204).end()
    const source = publishTestSource({ url, seconds: 2 })
    await source.exited
    await until('everything', () => events().some(({ type }) => type === 'stream:closed'), 20_000)
    expect(events().map(({ type }) => type)).toEqual([
      'stream:ready',
      'stream:ready',
      'stream:ready',
      'stream:closed',
    ])
    expect(new Set(server.requests.map(({ headers }) => headers['x-crosspoint-id'])).size).toBe(2)
  })
})
