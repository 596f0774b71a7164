/** Our RTMP client pushes to and pulls from other servers: nginx-rtmp, node-media-server, ffmpeg, and through TLS. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type Server } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Listener } from '../../src/adapters/adapter.ts'
import { rtmp } from '../../src/adapters/rtmp/adapter.ts'
import type { Closable } from '../../src/core/types.ts'
import { createTestContext, type TestContext } from '../helpers/adapter-context.ts'
import { clip, contentHashes, packetHashes } from '../helpers/clip.ts'
import { type NginxRtmp, startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { startNodeMediaServer } from '../helpers/node-media-server.ts'
import { freePort, type Program, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'rtmp-peers-'))
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
let nginx: NginxRtmp
let nms: Awaited<ReturnType<typeof startNodeMediaServer>>
let tls: Server
let context: TestContext
let listener: Listener
const config = (more: object = {}) =>
  rtmp.config.parse({ listen: { port: 0 }, connectTimeoutMs: 5000, ...more })

/** TLS in front of nginx: what an rtmps:// server is. */
const startTls = (port: number): Promise<Server> =>
  new Promise(resolve => {
    const options = { key: readFileSync(keyFile), cert: readFileSync(certFile) }
    const server = createTlsServer(options, outer => {
      const inner = connect(port, '127.0.0.1')
      outer.pipe(inner).pipe(outer)
      outer.on('error', () => inner.destroy())
      inner.on('error', () => outer.destroy())
    })
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
const tlsUrl = (name: string): string =>
  `rtmps://localhost:${(tls.address() as AddressInfo).port}/live/${name}`

beforeAll(async () => {
  await runProgram('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    keyFile,
    '-out',
    certFile,
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  ])
  ;[nginx, nms] = await Promise.all([startNginxRtmp(), startNodeMediaServer()])
  tls = await startTls(nginx.port)
})
afterAll(async () => {
  tls.close()
  await Promise.all([nginx.stop(), nms.stop()])
  await stopPrograms()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  context = createTestContext()
  listener = (await rtmp.listen?.(context, config()))!
})
const programs: Program[] = []
afterEach(async () => {
  await Promise.all(programs.splice(0).map(program => program.stop()))
  await context.close()
})

const file = (seconds: number) => clip({ seconds, bFrames: 2, gop: 25 })
const ffmpeg = (...args: readonly string[]): Program => {
  const program = startProgram('ffmpeg', ['-v', 'error', ...args])
  programs.push(program)
  return program
}
const sendTo = async (url: string, seconds = 12): Promise<Program> =>
  ffmpeg('-re', '-i', await file(seconds), '-c', 'copy', '-f', 'flv', url)
const ready = (name: string): Promise<void> =>
  until(
    () => `${name} is ready; ${context.logged.join('\n')}`,
    () => context.registry.find(name)?.state === 'ready',
  )
const decode = (url: string, ...args: readonly string[]): Promise<string> =>
  runProgram('ffmpeg', ['-v', 'error', '-xerror', ...args, '-i', url, '-t', '2', '-f', 'null', '-'])

/** A source of ours, pushed to `to`. */
const push = async (to: string, more: object = {}): Promise<Closable> => {
  await sendTo(`rtmp://127.0.0.1:${listener.port}/live/cam`)
  await ready('live/cam')
  const egress = await rtmp.push!(context, config(more), new URL(to))
  await context.registry.subscribe('live/cam', egress, { start: 'last-gop' })
  return egress
}
/** `from`, pulled into live/pulled. */
const pull = async (from: string, more: object = {}): Promise<Closable> => {
  const publication = context.registry.publish('live/pulled', { label: 'pull', onConflict: 'reject' })
  try {
    const source = await rtmp.pull!(context, config(more), new URL(from), publication)
    void source.closed.then(reason => publication.close(reason))
    return source
  } catch (error) {
    await publication.close({ code: 'failed' })
    throw error
  }
}

describe('push', () => {
  test.each<[string, () => string, object]>([
    ['nginx-rtmp', () => nginx.url('pushed'), {}],
    ['node-media-server', () => nms.url('pushed'), {}],
    ['a TLS server of ours', () => tlsUrl('pushed-tls'), { tls: { caFile: certFile } }],
  ])('to %s: players there decode without an error', async (_, url, more) => {
    const egress = await push(url(), more)
    const plain = url().replace(/^rtmps:\/\/localhost:\d+/, `rtmp://127.0.0.1:${nginx.port}`)
    expect(await decode(plain)).toBe('')
    await egress.close({ code: 'subscriber-left' })
    await egress.closed
  })

  test('to nginx-rtmp under a key with a slash and a query', async () => {
    await push(nginx.url('room/pushed?a=b/c'))
    const args = ['-rtmp_app', 'live', '-rtmp_playpath', 'room/pushed']
    expect(await decode(`rtmp://127.0.0.1:${nginx.port}`, ...args)).toBe('')
  })

  test('to a server that says yes and hangs up (nginx-rtmp with "deny publish")', async () => {
    const pushing = rtmp.push!(context, config(), new URL(nginx.url('SECRET', 'closed')))
    await expect(pushing).rejects.toThrow(/hung up soon: .*\/closed closed the connection during publishing/)
    expect(context.logged.join()).not.toContain('SECRET')
  })

  test('to ffmpeg -listen: every packet arrives', async () => {
    const port = await freePort()
    const url = `rtmp://127.0.0.1:${port}/live/cam`
    const sink = ffmpeg(
      '-listen',
      '1',
      '-i',
      url,
      '-map',
      '0:v',
      '-map',
      '0:a',
      '-c',
      'copy',
      '-f',
      'framemd5',
      '-',
    )
    const publisher = await sendTo(`rtmp://127.0.0.1:${listener.port}/live/cam`, 3)
    await ready('live/cam')
    let egress: Awaited<ReturnType<NonNullable<typeof rtmp.push>>> | undefined
    await until('ffmpeg listens', async () => {
      egress = await rtmp.push!(context, config(), new URL(url)).catch(() => undefined)
      return egress !== undefined
    })
    await context.registry.subscribe('live/cam', egress!, { start: 'last-gop' })
    expect(await publisher.exited).toBe(0)
    expect(await sink.exited).toBe(0)
    const got = contentHashes(sink.output().split('\n'), 0)
    const source = contentHashes(await packetHashes(await file(3)), 0)
    expect(got.length).toBeGreaterThan(40)
    expect(got).toEqual(source.slice(-got.length))
  })

  test.each<[string, () => string, RegExp]>([
    [
      'a server that does not exist',
      () => 'rtmp://127.0.0.1:1/live/SECRET',
      /cannot be reached: .*ECONNREFUSED/,
    ],
    [
      'an application that does not exist',
      () => nginx.url('SECRET', 'nowhere'),
      /hung up soon: .*(connect|closed)/,
    ],
    ['a certificate that nobody signed', () => tlsUrl('SECRET'), /not trusted: .*self.signed certificate/],
    ['TLS on a plain port', () => nginx.url('SECRET').replace('rtmp:', 'rtmps:'), /cannot be reached/],
  ])('%s: one sentence, no key in it', async (_, url, sentence) => {
    const error: unknown = await rtmp.push!(context, config(), new URL(url())).catch(
      (thrown: unknown) => thrown,
    )
    expect(String(error)).toMatch(sentence)
    expect(String(error) + context.logged.join()).not.toContain('SECRET')
  })

  test('a server that never answers is given up in time', async () => {
    const silent = createServer(socket => void socket.resume())
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', () => resolve()))
    const { port } = silent.address() as AddressInfo
    const url = new URL(`rtmp://127.0.0.1:${port}/live/x`)
    await expect(rtmp.push!(context, config({ connectTimeoutMs: 300 }), url)).rejects.toThrow(
      /handshake was not over within 300 ms/,
    )
    silent.close()
  })

  test('a server that dies in the middle ends the push with the reason', async () => {
    const own = await startNginxRtmp()
    const egress = await push(own.url('pushed'))
    await own.stop()
    expect(await egress.closed).toMatchObject({ code: 'failed' })
  })
})

describe('pull', () => {
  test.each<[string, () => string, object]>([
    ['nginx-rtmp', () => nginx.url('source'), {}],
    ['node-media-server', () => nms.url('source'), {}],
    ['a TLS server of ours', () => tlsUrl('source-tls'), { tls: { caFile: certFile } }],
    ['a TLS server without a check', () => tlsUrl('source-tls'), { tls: { rejectUnauthorized: false } }],
  ])('from %s: our players decode without an error, and the end is seen', async (_, url, more) => {
    const plain = url().replace(/^rtmps:\/\/localhost:\d+/, `rtmp://127.0.0.1:${nginx.port}`)
    await sendTo(plain)
    const source = await retry(() => pull(url(), more))
    await ready('live/pulled')
    expect(await decode(`rtmp://127.0.0.1:${listener.port}/live/pulled`)).toBe('')
    await source.close({ code: 'unpublished' })
    await until('it is gone', () => context.registry.find('live/pulled') === undefined)
  })

  test('from ffmpeg -listen, until it ends', async () => {
    const port = await freePort()
    const url = `rtmp://127.0.0.1:${port}/live/cam`
    ffmpeg('-re', '-i', await file(3), '-c', 'copy', '-f', 'flv', '-listen', '1', url)
    const source = await retry(() => pull(url))
    await ready('live/pulled')
    const reason = await source.closed
    expect(['source-ended', 'failed']).toContain(reason.code)
  })

  test('a stream that is not there', async () => {
    const url = `rtmp://127.0.0.1:${listener.port}/live/nobody`
    await expect(pull(url)).rejects.toMatchObject({ code: 'stream-offline' })
  })

  test('a source that falls silent ends with numbers', async () => {
    const publisher = await sendTo(nginx.url('frozen'))
    const source = await retry(() => pull(nginx.url('frozen'), { sourceIdleMs: 1000 }))
    await ready('live/pulled')
    publisher.child.kill('SIGSTOP')
    expect(await source.closed).toMatchObject({
      code: 'timeout',
      detail: expect.stringMatching(/no media for 1\d{3} ms/),
    })
    publisher.child.kill('SIGKILL')
  })
})

/** The publisher beside us needs a moment until its server has the stream. */
const retry = async <T>(attempt: () => Promise<T>): Promise<T> => {
  let result: T | undefined
  let last: unknown
  await until(
    () => `${last}`,
    async () => {
      try {
        result = await attempt()
        return true
      } catch (error) {
        last = error
        return false
      }
    },
  )
  return result!
}
