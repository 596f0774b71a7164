/**
 * Canaries: a secret in every place that takes one, everything done that shows something, and no canary anywhere.
 * Need not run alone.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'
import { crosspoint, publishTestSource, type Server, startServer } from '../helpers/crosspoint.ts'
import { startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, type Program, startProgram, stopPrograms, until } from '../helpers/program.ts'

/** Each place has its own, so that a failure names the place. */
const places: string[] = []
const canary = (place: string): string => {
  places.push(place)
  return `canary-${place}-0123456789-0123456789`
}
const keys = {
  config: canary('config-key'),
  file: canary('config-file'),
  environment: canary('config-environment'),
  viewer: canary('viewer-key'),
  jwt: canary('jwt-secret'),
  api: canary('api-key'),
}

let folder: string
let server: Server
let receiver: Far
let seen = ''
const note = (text: string): void => {
  seen += `${text}\n`
}

/** Command lines of a process and all its children, as anybody on this machine reads them. */
const commandLines = (root: number): { pid: number; line: string }[] => {
  const children = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        const parent = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]
        return Number(parent) === root ? [Number(name)] : []
      } catch {
        return []
      }
    })
  const line = readFileSync(`/proc/${root}/cmdline`, 'utf8').replaceAll('\0', ' ')
  return [{ pid: root, line }, ...children.flatMap(commandLines)]
}

const ask = async (path: string, init: RequestInit = {}, token = keys.api): Promise<Response> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers }
  return fetch(server.http + path, { ...init, headers })
}
const show = async (path: string, init?: RequestInit, token?: string): Promise<number> => {
  const response = await ask(path, init, token)
  note(
    `${path.split('?')[0]} ${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`,
  )
  return response.status
}
const bridge = async (from: string, ...to: string[]): Promise<number> =>
  show('/v1/bridges', { method: 'POST', body: JSON.stringify({ from, to }) })
const isLive = async (name: string): Promise<boolean> => {
  const response = await ask(`/v1/streams/${encodeURIComponent(name)}`)
  return response.ok && ((await response.json()) as { state: string }).state === 'ready'
}
const publish = async (path: string, name: string): Promise<Program> => {
  const publisher = publishTestSource({ url: `${server.rtmp}/${path}` })
  await until(
    () => `${name} is live: ${publisher.output()}`,
    () => isLive(name),
  )
  return publisher
}
/** A publisher that is to be refused. */
const knock = async (path: string): Promise<void> => {
  expect(await publishTestSource({ url: `${server.rtmp}/${path}`, seconds: 5 }).exited).not.toBe(0)
}

interface Far {
  /** `127.0.0.1:PORT` */
  readonly host: string
  close(): void
}
const startFar = async (listener: RequestListener): Promise<Far> => {
  const http = createServer(listener)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  return { host: `127.0.0.1:${port}`, close: () => void http.close().closeAllConnections() }
}

/** Takes webhooks at /events, and says yes to everybody at /may, where credentials are shown on purpose. */
const startReceiver = (): Promise<Far> =>
  startFar(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.url?.startsWith('/events')) note(`webhook ${JSON.stringify(request.headers)} ${body}`)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'canaries-'))
  process.env.CROSSPOINT_TEST_KEY = keys.environment
  receiver = await startReceiver()
  await writeFile(join(folder, 'key'), keys.file)
  const file = join(folder, 'crosspoint.yaml')
  await writeFile(
    file,
    JSON.stringify({
      access: {
        publish: [
          { streams: 'live/*', key: [keys.config, `file:${join(folder, 'key')}`, 'env:CROSSPOINT_TEST_KEY'] },
          { streams: 'live/*', jwt: true },
        ],
        play: [{ streams: 'live/open', from: 'any' }, { key: keys.viewer }, { jwt: true }],
        api: { key: keys.api },
        jwt: { secret: keys.jwt },
        hook: { url: `http://${receiver.host}/may?k=${canary('hook-query')}`, secret: canary('hook-secret') },
      },
      webhooks: [
        { url: `http://${receiver.host}/events`, secret: canary('webhook-secret') },
        {
          url: `http://me:${canary('webhook-password')}@127.0.0.1:1/${'x'}?k=${canary('webhook-query')}`,
          secret: canary('dead-webhook-secret'),
        },
      ],
      outbound: { allowPrivate: ['any'] },
      bridges: [{ from: 'stream:live/nobody', to: [`youtube:${canary('config-bridge')}`] }],
    }),
  )
  server = await startServer(['--config', file, '--recordings', folder, '--log-level', 'debug'])
})
afterAll(async () => {
  delete process.env.CROSSPOINT_TEST_KEY
  receiver?.close()
  await stopPrograms()
  await rm(folder, { recursive: true })
})

test('no secret is shown anywhere', async () => {
  const events = await ask('/v1/events', { headers: { accept: 'text/event-stream' } })
  expect(events.status).toBe(200)
  const listening = (async () => {
    for await (const chunk of events.body!) note(Buffer.from(chunk).toString())
  })().catch(() => undefined)

  // RTMP: in the name's query, in the application's, as user and password; right and wrong.
  const publishers = [
    await publish(`live/a?key=${keys.config}`, 'live/a'),
    await publish(`live?token=${keys.file}/b`, 'live/b'),
    await publish(`live/open?user=me&pass=${keys.environment}`, 'live/open'),
  ]
  await knock(`live/c?key=${canary('wrong-key')}`)
  await knock(`live?key=${canary('wrong-app')}/c`)
  await knock(`live/c?user=${canary('wrong-user')}&pass=${canary('wrong-pass')}`)

  // Tokens: to publish by WHIP, to play by HTTP-FLV, in the header and in the query; right and wrong.
  const sign = new SignJWT({ play: '**', publish: 'live/*' }).setProtectedHeader({ alg: 'HS256' })
  const token = await sign.setExpirationTime('5m').sign(new TextEncoder().encode(keys.jwt))
  const sdp = { method: 'POST', body: 'v=0', headers: { 'content-type': 'application/sdp' } }
  expect(await show('/whip/live/d', sdp, token)).toBe(400)
  expect(await show('/whip/live/d', sdp, `${token}x`)).toBe(401)
  expect(await show('/whip/live/d', sdp, canary('wrong-bearer'))).toBe(401)
  expect(
    await show(`/whip/live/d?token=${canary('wrong-query')}`, { ...sdp, headers: { authorization: '' } }),
  ).toBe(401)
  for (const shown of [`key=${keys.viewer}`, `token=${token}`]) {
    const player = startProgram('ffprobe', ['-v', 'error', `${server.http}/live/a.flv?${shown}`])
    expect(await player.exited).toBe(0)
    expect(player.output()).toBe('')
  }
  expect((await fetch(`${server.http}/live/a.flv?key=${canary('wrong-viewer')}`)).status).toBe(401)
  expect(await show('/v1/bridges', {}, canary('wrong-api'))).toBe(401)

  // Destinations: one that takes it, one that refuses, one that is not there, a service, a name with blanks.
  const nginx = await startNginxRtmp()
  const nowhere = await freePort()
  await bridge('stream:live/a', `${nginx.url(canary('destination'))}?auth=${canary('destination-query')}`)
  await bridge('stream:live/a', nginx.url(canary('refused-destination'), 'closed'))
  await bridge('stream:live/a', `rtmp://127.0.0.1:${nowhere}/app/${canary('dead-destination')}`)
  await bridge('stream:live/a', `rtmp://me:${canary('userinfo')}@127.0.0.1:${nowhere}/app/x`)
  await bridge('stream:live/a', `twitch:${canary('blank')} twice`)
  await bridge(
    'stream:live/a',
    `gopher://${canary('scheme')}@127.0.0.1/${canary('scheme-path')}?k=${canary('scheme-query')}`,
  )
  await bridge('stream:live/a', `rtmp://127.0.0.1:99999/app/${canary('bad-port')}`)

  // Sources: a password in the URL, a redirect with another one.
  let authorized = ''
  const far = await startFar((request, response) => {
    authorized ||= request.headers.authorization ?? ''
    const location = `http://again:${canary('redirect')}@127.0.0.1:1/x.flv?token=${canary('redirect-query')}`
    response.writeHead(302, { location }).end()
  })
  await bridge(
    `http://me:${canary('source-password')}@${far.host}/x.flv?k=${canary('source-query')}`,
    'x.flv',
  )
  expect(authorized).toMatch(/^Basic /)
  await bridge(`rtmp://127.0.0.1:${nowhere}/live/x?token=${canary('source-key')}`, 'y.flv')
  await bridge(`http://${canary('unparsable')}@[::1/x.flv`, 'z.flv')

  // A viewer that needs a transcoder, so that there are children to look at.
  await using chromium = await launchChromium()
  await chromium.open(`${server.http}/#/watch/live/open`)
  const running = (): { pid: number; line: string }[] => commandLines(server.program.child.pid!)
  await until('ffmpeg runs', () => running().some(({ line }) => line.includes('ffmpeg')), 20_000)
  for (const { line } of running()) note(line)
  const alone = crosspoint([
    ...['bridge', 'stream:live/x', `rtmp://127.0.0.1:${nowhere}/app/${canary('argument')}`],
    ...['--http', '127.0.0.1:0', '--rtmp', '127.0.0.1:0', '--webrtc', '127.0.0.1:0'],
  ])
  await until('its doors are open', () => alone.output().includes('listens'))
  for (const { line } of commandLines(alone.child.pid!)) note(line)
  await alone.stop()
  note(alone.output())

  for (const path of [
    '/healthz',
    '/openapi.json',
    '/metrics',
    '/v1/streams',
    '/v1/bridges',
    '/v1/adapters',
    '/',
  ])
    await show(path)
  for (const name of ['live/a', 'live/b', 'live/open']) await show(`/v1/streams/${encodeURIComponent(name)}`)
  for (const publisher of publishers) await publisher.stop()
  await nginx.stop()
  far.close()
  await chromium[Symbol.asyncDispose]()
  await server.stop()
  await listening
  note(server.program.output())

  // What is searched is not empty: log, events, API, command lines.
  for (const text of ['RTMP publisher', 'event: stream:ready', '"legs":', 'ffmpeg -', 'webhook {'])
    expect(seen).toContain(text)
  const shown = places.filter(place => seen.includes(`canary-${place}-`))
  const lines = seen.split('\n').filter(line => line.includes('canary-'))
  expect(shown, lines.join('\n')).toEqual([])
  expect(seen).not.toContain(token.split('.')[2])
  expect(new Set(places).size).toBeGreaterThan(35)
})
