import { request as rawRequest } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { sections } from '../../../src/config/schema.ts'
import { createScope } from '../../../src/core/scope.ts'
import { GatewayError } from '../../../src/errors.ts'
import { createHttpServer } from '../../../src/http/server.ts'
import { createLogger } from '../../../src/observe/logger.ts'

const log = createLogger({ level: 'silent', format: 'json' })
let scope = createScope('test')
afterEach(async () => {
  await scope.close()
  scope = createScope('test')
})

const start = async (config: object = {}) => {
  const http = sections.http.parse({ listen: { port: 0 }, ...config })
  const server = createHttpServer(http, scope, log)
  const { mount } = server
  mount.route('GET', '/echo/:name{.+}', async ({ params, remote }) => Response.json({ params, remote }))
  mount.route('POST', '/body', async ({ request }) => new Response(await request.text()))
  mount.route('DELETE', '/body', async () => new Response(null, { status: 204 }))
  mount.route('GET', '/refuse', async () => {
    throw new GatewayError('name-taken', 'live/cam', { retryAfterS: 3 })
  })
  mount.route('GET', '/crash', async () => {
    throw new Error('secret inside')
  })
  mount.route('GET', '/stream', async ({ takeOver }) => {
    const response = takeOver()
    response.writeHead(200, { 'content-type': 'video/x-flv' })
    response.write('FLV')
    response.end('!')
    return undefined
  })
  const door = await server.listen()
  return { door, base: `http://127.0.0.1:${door.port}` }
}

/** fetch chooses Host and Origin by itself; this one sends what it is told. */
const send = (port: number, method: string, path: string, headers: Record<string, string>) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const request = rawRequest({ port, host: '127.0.0.1', method, path, headers }, response => {
      let body = ''
      response.on('data', chunk => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
    })
    request.on('error', reject)
    request.end()
  })

describe('http server', () => {
  test('a path parameter keeps its slashes and is decoded once', async () => {
    const { base } = await start()
    const answer = await (await fetch(`${base}/echo/live%2Fcam/a%2525b`)).json()
    expect(answer).toEqual({ params: { name: 'live/cam/a%25b' }, remote: '127.0.0.1' })
  })

  test('an adapter may take the response over', async () => {
    const { base } = await start()
    const response = await fetch(`${base}/stream`)
    expect(response.headers.get('content-type')).toBe('video/x-flv')
    expect(await response.text()).toBe('FLV!')
  })

  test('every error is a problem document', async () => {
    const { base } = await start()
    const refused = await fetch(`${base}/refuse`)
    expect(refused.status).toBe(409)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.headers.get('retry-after')).toBe('3')
    expect(refused.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await refused.json()).toEqual({
      type: 'urn:crosspoint:error:name-taken',
      title: 'The stream is already being published',
      status: 409,
      detail: 'The stream is already being published: live/cam',
      code: 'name-taken',
    })
    const missing = await fetch(`${base}/nothing/here`)
    expect([missing.status, (await missing.json()).code]).toEqual([404, 'not-found'])
  })

  test('a wrong method is 405 with the right ones', async () => {
    const { base } = await start()
    const wrong = await fetch(`${base}/body`)
    expect(wrong.status).toBe(405)
    expect(wrong.headers.get('allow')).toBe('POST, DELETE')
    expect((await wrong.json()).detail).toContain('/body takes POST, DELETE, not GET')
  })

  test('a fault of ours keeps its message inside', async () => {
    const { base } = await start()
    const response = await fetch(`${base}/crash`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
  })

  test('a body has a limit, announced or not', async () => {
    const { base } = await start()
    const big = 'x'.repeat(300_000)
    expect((await fetch(`${base}/body`, { method: 'POST', body: big })).status).toBe(413)
    const chunked = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('x'.repeat(64_000)))
      },
    })
    const init = { method: 'POST', body: chunked, duplex: 'half' } as RequestInit
    const response = await fetch(`${base}/body`, init)
    expect(response.status).toBe(413)
    expect((await response.json()).code).toBe('limit-exceeded')
  })

  test('an address in use is named', async () => {
    const { door } = await start()
    const config = sections.http.parse({ listen: { port: door.port } })
    const second = createHttpServer(config, scope, log).listen()
    await expect(second).rejects.toMatchObject({ code: 'port-in-use' })
    await expect(second).rejects.toThrow(`127.0.0.1:${door.port}`)
  })
})

describe('what a browser may be tricked into', () => {
  test.each(['127.0.0.1', 'localhost:1', '[::1]:8080', 'x.localhost', '192.168.1.2:8080'])(
    'Host %s is ours',
    async host => {
      const { door } = await start()
      expect((await send(door.port, 'GET', '/echo/a', { host })).status).toBe(200)
    },
  )
  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8080'])(
    'Host "%s" is not',
    async host => {
      const { door } = await start()
      expect((await send(door.port, 'GET', '/echo/a', { host })).status).toBe(403)
    },
  )
  test('a listed host is ours', async () => {
    const { door } = await start({ hosts: ['Live.Example'] })
    expect((await send(door.port, 'GET', '/echo/a', { host: 'live.example:80' })).status).toBe(200)
  })

  test.each(['http://evil.example', 'null', 'http://127.0.0.1:1'])(
    'a page of %s may not post',
    async origin => {
      const { door } = await start()
      const answer = await send(door.port, 'DELETE', '/body', { origin, host: `127.0.0.1:${door.port}` })
      expect(answer.status).toBe(403)
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    },
  )
  test('our own page may', async () => {
    const { door } = await start()
    const host = `127.0.0.1:${door.port}`
    expect((await send(door.port, 'DELETE', '/body', { origin: `http://${host}`, host })).status).toBe(204)
  })
  test('a listed origin may, and is told so in its preflight', async () => {
    const { door } = await start({ origins: ['https://player.example'] })
    const host = `127.0.0.1:${door.port}`
    const origin = 'https://player.example'
    const preflight = await send(door.port, 'OPTIONS', '/body', {
      origin,
      host,
      'access-control-request-method': 'DELETE',
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-origin']).toBe(origin)
    expect(preflight.headers['access-control-allow-methods']).toContain('DELETE')
    const answer = await send(door.port, 'DELETE', '/body', { origin, host })
    expect(answer.status).toBe(204)
    expect(answer.headers['access-control-expose-headers']).toContain('Location')
  })
  test('being proxied is not being local', async () => {
    const { door } = await start()
    const remoteOf = async (headers: Record<string, string>): Promise<string> =>
      JSON.parse((await send(door.port, 'GET', '/echo/a', { host: 'localhost', ...headers })).body).remote
    expect(await remoteOf({})).toBe('127.0.0.1')
    expect(await remoteOf({ 'x-forwarded-for': '127.0.0.1, 203.0.113.9' })).toBe('203.0.113.9')
    expect(await remoteOf({ 'x-forwarded-for': '127.0.0.1' })).toBe('forwarded')
    expect(await remoteOf({ forwarded: 'for=127.0.0.1' })).toBe('forwarded')
  })
})
