/**
 * HTTPS and RTMPS with certificates from files: real clients, and a new certificate under running sessions.
 * Need not run alone.
 */

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { makeCertificates, type TestCertificates } from '../helpers/certificates.ts'
import { launchChromium } from '../helpers/chromium.ts'
import { publishTestSource, runCrosspoint } from '../helpers/crosspoint.ts'
import { runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { type LogLine, recordingLogger } from '../helpers/webrtc-gateway.ts'

let files: TestCertificates
let gateway: Gateway
const lines: LogLine[] = []
const portOf = (door: string): number => gateway.doors.get(door)!.port

beforeAll(async () => {
  files = await makeCertificates()
  const { cert, key, ca } = files
  const listen = '127.0.0.1:0'
  const input = {
    http: { listen, tls: { cert, key } },
    rtmp: { listen, rtmps: { listen, cert, key }, tls: { caFile: ca } },
    webrtc: { listen },
  } as never
  gateway = await createGateway(input, { log: recordingLogger(lines) })
})
afterAll(async () => {
  await stopPrograms()
  await gateway?.close()
  await files?.[Symbol.asyncDispose]()
})

/** Status and body of a GET whose certificate is checked against our authority. */
const get = (path: string, options: object = {}): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const ca = readFileSync(files.ca)
    const sent = request(
      { host: 'localhost', port: portOf('http'), path, ca, agent: false, ...options },
      answer => {
        let body = ''
        answer.on('data', chunk => (body += chunk))
        answer.on('end', () => resolve({ status: answer.statusCode!, body }))
      },
    )
    sent.on('error', reject)
    sent.end()
  })

/** The serial number of the certificate that a new connection is shown. */
const serialAt = (door: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: portOf(door),
      servername: 'localhost',
      rejectUnauthorized: false,
    }
    const socket: TLSSocket = connectTls(options, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })

const isLive = (name: string): boolean => gateway.registry.find(name)?.state === 'ready'
const bytesOf = (name: string): number =>
  gateway.registry.find(name)?.tracks.reduce((sum, { stats }) => sum + (stats?.bytes ?? 0), 0) ?? 0

describe('HTTPS', () => {
  test('a client that knows the authority is answered, others are not fooled', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200 })
    await expect(get('/healthz', { ca: undefined })).rejects.toThrow(/certificate/)
  })
  test('the command line says what to do about an authority that it does not know, and takes one that it is given', async () => {
    const args = ['streams', '--json', '--gateway', `https://localhost:${portOf('http')}`]
    const stranger = await runCrosspoint(args)
    expect(stranger.code).toBe(3)
    expect(stranger.output).toMatch(/nobody known here has signed .* NODE_EXTRA_CA_CERTS=FILE/)
    expect(await runCrosspoint(args, { env: { NODE_EXTRA_CA_CERTS: files.ca } })).toMatchObject({ code: 0 })
  })
  test('plain HTTP on its port gets nothing, TLS 1.1 neither', async () => {
    const socket = connect(portOf('http'), '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    )
    const said = await new Promise<string>(resolve => {
      let text = ''
      socket.on('data', chunk => (text += chunk))
      socket.on('close', () => resolve(text))
      socket.on('error', () => undefined)
    })
    expect(said).not.toContain('200 OK')
    await expect(get('/healthz', { maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })).rejects.toThrow()
  })
  test('Chromium publishes by WHIP and watches by WHEP', async () => {
    await using chromium = await launchChromium({ anyCertificate: true })
    const base = `https://127.0.0.1:${portOf('http')}`
    const page = await chromium.open(`${base}/#/publish/live/browser`)
    await page.locator('#publish-camera').click()
    await until('it is live', () => isLive('live/browser'), 20_000)
    const viewer = await chromium.open(`${base}/#/watch/live/browser`)
    await viewer.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0, undefined, {
      timeout: 20_000,
    })
  })
})

describe('RTMPS', () => {
  test('ffmpeg publishes and plays', async () => {
    const url = `rtmps://127.0.0.1:${portOf('rtmps')}/live/secure`
    const publisher = publishTestSource({ url })
    await until(
      () => `it is live: ${publisher.output()}`,
      () => isLive('live/secure'),
    )
    const seen = await runProgram('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'stream=codec_name',
      '-of',
      'csv=p=0',
      url,
    ])
    expect(seen).toMatch(/h264\s+aac|aac\s+h264/)
    await publisher.stop()
  })
  test('our own client checks the certificate', async () => {
    const publisher = publishTestSource({ url: `rtmp://127.0.0.1:${portOf('rtmp')}/live/near` })
    await until('it is live', () => isLive('live/near'))
    const resolveFile = (name: string): string => name
    const bridge = await gateway.bridges.open({
      from: `rtmps://localhost:${portOf('rtmps')}/live/near`,
      to: ['stream:live/far'],
      resolveFile,
    })
    await until('it is live', () => isLive('live/far'))
    await bridge.close()
    await publisher.stop()
  })
  test('a handshake that fails harms nobody and is not a line each', async () => {
    const before = lines.filter(({ level }) => level !== 'debug').length
    const clients = Array.from({ length: 20 }, () => connect(portOf('rtmps'), '127.0.0.1'))
    await Promise.all(
      clients.map(client => {
        client.write('no TLS at all, but long enough to look like some')
        return new Promise(resolve =>
          client
            .on('error', () => undefined)
            .once('close', resolve)
            .resume(),
        )
      }),
    )
    expect(lines.filter(({ level }) => level !== 'debug').length).toBe(before)
    expect(await serialAt('rtmps')).toBe(await serialAt('http'))
  })
})

describe('a new certificate', () => {
  test('is shown to the next ones, and running sessions go on', async () => {
    const url = `rtmps://127.0.0.1:${portOf('rtmps')}/live/long`
    const publisher = publishTestSource({ url })
    await until('it is live', () => isLive('live/long'))
    const player = startProgram('ffmpeg', [
      '-v',
      'error',
      '-nostdin',
      '-i',
      url,
      '-c',
      'copy',
      '-f',
      'null',
      '-',
    ])
    await until('it is watched', () => gateway.registry.find('live/long')!.subscribers.length === 1)
    const since = gateway.registry.find('live/long')!.readySince
    const serial = await files.renew()
    await until('HTTPS shows it', async () => (await serialAt('http')) === serial)
    await until('RTMPS shows it', async () => (await serialAt('rtmps')) === serial)
    const bytes = bytesOf('live/long')
    await until('media goes on', () => bytesOf('live/long') > bytes + 100_000)
    const stream = gateway.registry.find('live/long')!
    expect([stream.readySince, stream.subscribers.length]).toEqual([since, 1])
    expect([publisher.output(), player.output()]).toEqual(['', ''])
    await Promise.all([publisher.stop(), player.stop()])
  })
  test('that is broken changes nothing and is logged', async () => {
    const serial = await serialAt('http')
    await writeFile(files.cert, 'no certificate')
    await until('it is logged', () =>
      lines.some(({ message }) => message.startsWith('the certificate stays as it was')),
    )
    expect(await serialAt('http')).toBe(serial)
    const renewed = await files.renew()
    await until('it heals', async () => (await serialAt('http')) === renewed)
  })
})

test.each([
  ['a file that is not there', { cert: '/nowhere.pem' }, /\/nowhere\.pem.*ENOENT/],
  ['a key of another certificate', 'stranger', /key values mismatch/],
])('%s: the gateway does not start, and says why', async (_, change, sentence) => {
  await using other = await makeCertificates()
  const tls = {
    cert: files.cert,
    key: files.key,
    ...(change === 'stranger' ? { key: other.key } : (change as object)),
  }
  const listen = '127.0.0.1:0'
  const started = createGateway({ http: { listen, tls }, rtmp: { listen }, webrtc: { listen } } as never, {
    log: recordingLogger([]),
  })
  await expect(started).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringMatching(sentence),
  })
})
