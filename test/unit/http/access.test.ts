/** The rules of access at the doors of a whole gateway. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../../src/gateway.ts'
import { h264 } from '../../helpers/core-media.ts'
import { type LogLine, recordingLogger } from '../../helpers/webrtc-gateway.ts'

const listen = '127.0.0.1:0'
const doors = { rtmp: { listen }, webrtc: { listen } }
const lines: LogLine[] = []
let gateway: Gateway
let base: string

beforeAll(async () => {
  const input = {
    ...doors,
    http: { listen },
    access: {
      play: [{ streams: 'open/*', from: 'any' }, { key: 'key-of-viewers' }],
      api: [{ key: 'key-to-change' }, { key: 'key-to-look', scope: 'read' }],
    },
  }
  gateway = await createGateway(input as never, { log: recordingLogger(lines) })
  base = `http://127.0.0.1:${gateway.doors.get('http')!.port}`
  for (const name of ['open/a', 'closed/a']) {
    const publication = gateway.registry.publish(name, { label: 'rtmp 192.0.2.7:1', onConflict: 'reject' })
    publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.ready()
  }
})
afterAll(() => gateway.close())

const send = (path: string, token?: string, init: RequestInit = {}): Promise<Response> => {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  return fetch(base + path, { ...init, headers })
}
const bridge = (token: string, from: string, to: string): Promise<Response> =>
  send('/v1/bridges', token, { method: 'POST', body: JSON.stringify({ from, to: [to] }) })

describe('what of the API is for whom', () => {
  test.each([
    ['/v1/bridges', undefined, 401],
    ['/v1/bridges', 'wrong-key', 401],
    ['/v1/bridges', 'key-of-viewers', 401],
    ['/v1/bridges', 'key-to-look', 200],
    ['/v1/bridges', 'key-to-change', 200],
    ['/v1/streams/open%2Fa', undefined, 200],
    ['/v1/streams/closed%2Fa', undefined, 401],
    ['/v1/streams/closed%2Fa', 'key-of-viewers', 200],
    ['/v1/streams/closed%2Fa', 'key-to-look', 200],
    ['/healthz', undefined, 200],
  ])('GET %s with %s: %i', async (path, token, status) => {
    const response = await send(path, token)
    expect(response.status).toBe(status)
    expect(response.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer realm="crosspoint"' : null)
  })
  test.each([
    ['key-to-look', 401],
    ['key-of-viewers', 401],
    ['key-to-change', 404],
  ])('DELETE with %s: %i', async (token, status) => {
    expect((await send('/v1/bridges/none', token, { method: 'DELETE' })).status).toBe(status)
  })
  test('a key may come in the query, for what cannot send headers', async () => {
    expect((await send('/v1/bridges?token=key-to-look')).status).toBe(200)
    expect((await send('/v1/bridges?token=wrong-key')).status).toBe(401)
  })
  test('the list holds what one may play, and publishers are for those who look in', async () => {
    const list = async (token?: string): Promise<{ name: string; publisher?: unknown }[]> => {
      const { streams } = (await (await send('/v1/streams', token)).json()) as { streams: { name: string }[] }
      return streams.sort((a, b) => a.name.localeCompare(b.name))
    }
    const names = async (token?: string): Promise<string[]> => (await list(token)).map(({ name }) => name)
    expect(await names()).toEqual(['open/a'])
    expect(await names('key-of-viewers')).toEqual(['closed/a', 'open/a'])
    expect(await names('key-to-look')).toEqual(['closed/a', 'open/a'])
    expect(JSON.stringify(await list('key-of-viewers'))).not.toContain('192.0.2.7')
    expect(JSON.stringify(await list('key-to-look'))).toContain('192.0.2.7')
  })
})

describe('where requests may lead', () => {
  test.each([
    'http://127.0.0.1:1/x.flv',
    'http://169.254.169.254/x.flv',
    'rtmp://[::ffff:127.0.0.1]:1/live/x',
  ])('a source at %s is refused', async from => {
    const response = await bridge('key-to-change', from, 'stream:live/new')
    expect(response.status).toBe(403)
    expect(((await response.json()) as { detail: string }).detail).toContain('outbound.allowPrivate')
  })
  test('a destination, too', async () => {
    const response = await bridge('key-to-change', 'stream:open/a', 'rtmp://10.0.0.1/live/x')
    expect(response.status).toBe(403)
    expect(((await response.json()) as { detail: string }).detail).toContain('10.0.0.1 is a private address')
  })
})

test('an API for everybody at an address for everybody does not start', async () => {
  const input = { ...doors, http: { listen: '0.0.0.0:0' }, access: { api: 'any' } }
  await expect(createGateway(input as never, { log: recordingLogger([]) })).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringContaining(
      'http.listen 0.0.0.0:0 can be reached from outside and access.api lets anybody in',
    ),
  })
})

test('refusals are a line or two, not one each', () => {
  const told = lines.filter(({ level }) => level === 'warn')
  const refusals = told.filter(({ message }) => message.includes('wanted') || message.includes('wrong'))
  expect(refusals).toHaveLength(1)
})
