/** The decision table of the access hook against a real server: only a clear yes in time lets anybody in. */
import { createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Access, CallAccess } from '../../../src/adapters/adapter.ts'
import type { GatewayError } from '../../../src/errors.ts'
import { createAccessHook } from '../../../src/hooks/access-hook.ts'
import { accessHookSchema } from '../../../src/hooks/config.ts'
import { type PostResult, post } from '../../../src/hooks/post.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { type HookServer, startHookServer } from '../../helpers/hook-server.ts'
import { freePort } from '../../helpers/program.ts'

const log = createLogger({ level: 'silent', format: 'json' })
const secret = 'a secret of the hook'
const access: Access = {
  action: 'publish',
  stream: 'live/cam',
  protocol: 'rtmp',
  remote: '10.0.0.1',
  token: 'KEY',
}
let server: HookServer
beforeEach(async () => {
  server = await startHookServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const hookOf = (url = server.url, timeoutMs = 300) =>
  createAccessHook(() => accessHookSchema.parse({ url, secret, timeoutMs }), post, log)
const ask = (url?: string, timeoutMs?: number): Promise<string> =>
  hookOf(
    url,
    timeoutMs,
  )(access).then(
    () => 'let in',
    (error: GatewayError) => `${error.code}: ${error.message}`,
  )

const drip = (response: ServerResponse): void => {
  response.writeHead(200)
  const timer = setInterval(() => response.write(' '), 20)
  response.once('close', () => clearInterval(timer))
}

describe('the decision table', () => {
  const status =
    (code: number, body = '') =>
    (response: ServerResponse): void =>
      void response.writeHead(code).end(body)

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['200', status(200), /^let in$/],
    ['204', status(204), /^let in$/],
    ['200 with a page', status(200, '<html>'), /^let in$/],
    ['401', status(401), /^unauthorized: .*publishing live\/cam: the access hook answered 401$/],
    ['403', status(403), /^forbidden: .*answered 403$/],
    ['403 with a reason', status(403, '{"reason":"not today"}'), /^forbidden: .*answered 403: not today$/],
    ['404', status(404), /^forbidden: .*answered 404$/],
    ['500', status(500), /^forbidden: .*answered 500$/],
    ['no answer', () => undefined, /^forbidden: .*no answer within 300 ms$/],
    ['slow loris', drip, /^forbidden: .*no answer within 300 ms$/],
    ['hang-up', response => void response.destroy(), /^forbidden: .*the access hook failed: /],
    [
      'no HTTP',
      response => void response.socket!.end('hello\r\n\r\n'),
      /^forbidden: .*the access hook failed: /,
    ],
  ])('%s', async (_what, answer, expected) => {
    server.answer = answer
    expect(await ask()).toMatch(expected)
  })

  test('a redirect to a yes is a no, and is not followed', async () => {
    server.answer = response => void response.writeHead(302, { location: server.url }).end()
    expect(await ask()).toMatch(/^forbidden: .*answered 302$/)
    expect(server.requests).toHaveLength(1)
  })
  test('nobody there', async () => {
    expect(await ask(`http://127.0.0.1:${await freePort()}/`)).toMatch(/^forbidden: .*ECONNREFUSED/)
  })
  test('an answer without end is no reason to wait', async () => {
    server.answer = response => {
      response.writeHead(200)
      const fill = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', fill)
      fill()
    }
    expect(await ask(undefined, 5000)).toBe('let in')
  })
})

test('the question has who and what, and a signature over it and its time', async () => {
  await hookOf()(access)
  const [{ headers, body }] = server.requests as [HookServer['requests'][number]]
  expect(JSON.parse(body)).toEqual(access)
  const timestamp = String(headers['x-crosspoint-timestamp'])
  expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(10)
  const expected = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  expect(headers['x-crosspoint-signature']).toBe(`sha256=${expected}`)
  expect(headers['x-crosspoint-id']).toMatch(/^[0-9a-f-]{36}$/)
})

test('the API is not asked about', async () => {
  server.answer = response => void response.writeHead(403).end()
  await hookOf()({ ...access, action: 'api' })
  expect(server.requests).toHaveLength(0)
})

test('a flood of questions is refused beyond a limit, with a time to come again', async () => {
  const { promise, resolve } = Promise.withResolvers<PostResult>()
  let asked = 0
  const slow = () => {
    asked++
    return promise
  }
  const hook = createAccessHook(() => accessHookSchema.parse({ url: server.url, secret }), slow, log)
  const waiting = Array.from({ length: 64 }, () => hook(access))
  await expect(hook(access)).rejects.toMatchObject({ code: 'forbidden', retryAfterS: 1 })
  expect(asked).toBe(64)
  resolve({ status: 200, text: '' })
  await Promise.all(waiting)
  await hook(access)
})

test('callers, whose addresses may be forged, do not wait in the way of publishers and viewers', async () => {
  const { promise, resolve } = Promise.withResolvers<PostResult>()
  const hook = createAccessHook(
    () => accessHookSchema.parse({ url: server.url, secret }),
    () => promise,
    log,
  )
  const call: CallAccess = {
    ...{ action: 'call', protocol: 'sip', remote: '10.0.0.1', from: 'sip:a@b', to: 'sip:c@d' },
    ...{ called: 'c', route: '1', account: undefined, user: undefined },
    ...{ publish: undefined, hear: undefined },
  }
  const waiting = Array.from({ length: 64 }, () => hook(call))
  await expect(hook(call)).rejects.toMatchObject({ code: 'forbidden', retryAfterS: 1 })
  waiting.push(hook(access))
  resolve({ status: 200, text: '' })
  await Promise.all(waiting)
})

test('the secret is in no text that the configuration becomes', () => {
  const config = accessHookSchema.parse({ url: server.url, secret })
  expect(JSON.stringify(config)).not.toContain(secret)
  expect(() => accessHookSchema.parse({ url: server.url, secret: 'short' })).toThrow('at least 16')
  expect(() => accessHookSchema.parse({ url: 'file:///etc/passwd', secret })).toThrow()
})
