/** Encryption by keys in the SDP, with a real telephone, at a gateway that lets nobody talk in clear. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { startPhone } from '../helpers/baresip.ts'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { socketsOf } from '../helpers/resources.ts'
import { runFfmpeg } from '../helpers/sound.ts'
import { toneShare } from '../helpers/tone-share.ts'

const free = { listen: { host: '127.0.0.1', port: 0 } }
let gateway: Gateway
let door: string

beforeAll(async () => {
  gateway = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: {
        ...free,
        srtp: 'required',
        routes: [{ called: '1000', from: 'loopback', publish: 'calls/in', hear: 'live/cam' }],
        outbound: { domains: ['127.0.0.1'] },
      },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
  door = `127.0.0.1:${gateway.doors.get('sip')!.port}`
  publishTestSource({ url: `rtmp://127.0.0.1:${gateway.doors.get('rtmp')!.port}/live/cam`, size: '160x120' })
  await until('the publisher', () => gateway.registry.find('live/cam')?.state === 'ready')
})
afterAll(async () => {
  await gateway.close()
  await stopPrograms()
})

/** The share of a tone in what a player of the stream hears. */
const share = async (stream: string, hertz: number): Promise<number> => {
  const url = `http://127.0.0.1:${gateway.doors.get('http')!.port}/${stream}.flv`
  const raw = await runFfmpeg([
    '-i',
    url,
    '-t',
    '1.2',
    '-vn',
    '-ac',
    '1',
    '-ar',
    '8000',
    '-f',
    's16le',
    'pipe:1',
  ])
  return toneShare(
    new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + (raw.length & ~1))),
    8000,
    hertz,
  )
}

/** What it heard at the end of its call. */
const heardShare = ({ rate, samples }: { rate: number; samples: Float32Array }, hertz: number): number =>
  toneShare(
    Int16Array.from(samples.subarray(-rate), value => value * 32_767),
    rate,
    hertz,
  )

test.for([
  ['srtp-mand', 'RTP/SAVP'],
  ['srtp', 'RTP/AVP with keys'],
] as const)('a phone that offers %s (%s) is heard and hears, encrypted', async ([mode]) => {
  const phone = await startPhone('alice', { account: `;mediaenc=${mode}`, tone: 700 })
  phone.dial(`sip:1000@${door}`)
  await phone.until('CALL_ESTABLISHED')
  await until('calls/in', () => gateway.registry.find('calls/in')?.state === 'ready')
  const call = gateway.calls.list()[0]!
  expect(call.media[0]).toMatchObject({ srtp: true, codec: 'pcmu', received: { dropped: {} } })
  expect(await share('calls/in', 700)).toBeGreaterThan(0.9)
  phone.command('hangup')
  await until('its end', () => gateway.calls.get(call.id).state === 'ended')
  await phone.stop()
  expect(heardShare(phone.heard(), 1000)).toBeGreaterThan(0.8)
})

test('a phone that insists on it is called with keys', async () => {
  const phone = await startPhone('bob', {
    account: ';mediaenc=srtp-mand',
    answers: true,
    tone: 500,
    codecs: ['g722'],
  })
  const { id } = await gateway.calls.dial({ to: phone.uri, publish: 'calls/out', hear: 'live/cam' })
  await until(
    () => `${JSON.stringify(gateway.calls.get(id))} ${phone.program.output()}`,
    () => gateway.registry.find('calls/out')?.state === 'ready',
  )
  expect(gateway.calls.get(id).media[0]).toMatchObject({ srtp: true, codec: 'g722' })
  expect(await share('calls/out', 500)).toBeGreaterThan(0.9)
  await gateway.calls.hangup(id)
  await phone.stop()
  expect(heardShare(phone.heard(), 1000)).toBeGreaterThan(0.8)
})

test('a phone in clear is refused with the reason, and nothing is left open for it', async () => {
  const phone = await startPhone('eve')
  const sockets = socketsOf()
  phone.dial(`sip:1000@${door}`)
  await phone.until('CALL_CLOSED')
  expect(phone.events.find(({ type }) => type === 'CALL_CLOSED')?.param).toContain('488')
  expect(gateway.registry.find('calls/in')).toBeUndefined()
  expect(socketsOf()).toBeLessThanOrEqual(sockets)
  expect(gateway.calls.list().map(({ reason }) => reason?.detail)).toContainEqual(
    expect.stringContaining('SRTP is required here'),
  )
  await phone.stop()
})
