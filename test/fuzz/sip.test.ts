/**
 * SIP, RTP and RTCP as scanners, broken telephones and attackers send them, at a running gateway over real sockets.
 * Beside them two telephones talk, and miss nothing.
 */
import { createSocket, type Socket } from 'node:dgram'
import { createConnection } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Logger } from '../../src/adapters/adapter.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/types.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { torture } from '../fixtures/sip/torture.ts'
import { until } from '../helpers/program.ts'
import { createRandom, mutate, type Random } from '../helpers/random.ts'
import { heapInUse, socketsOf } from '../helpers/resources.ts'
import { placeSipCall, type SipCaller } from '../helpers/sip-caller.ts'
import { sipReaches } from '../helpers/sip-options.ts'
import { strictLog } from '../helpers/strict-log.ts'

const faults: string[] = []
const lines: string[] = []
const strict = strictLog(faults)
const note = (_fields: object, message: string): void => void lines.push(message)
const log: Logger = { child: () => log, debug: () => undefined, info: note, warn: note, error: strict.error }

/** What SIP keeps for half a minute is let go after two seconds, so that a test sees it go. */
const clock: Clock = {
  ...systemClock,
  after: (us, run) => systemClock.after(us > 8_000_000 ? us / 16 : us, run),
}

let gateway: Gateway
let port: number
let [alice, bob]: SipCaller[] = []
let attacker: Socket
let word = 0

beforeAll(async () => {
  gateway = await createGateway(
    {
      rtmp: { listen: '127.0.0.1:0' },
      webrtc: { listen: '127.0.0.1:0' },
      http: { listen: '127.0.0.1:0' },
      sip: {
        listen: { host: '127.0.0.1', port: 0 },
        routes: [
          { called: 'talk', from: ['127.0.0.1/32'], publish: 'calls/talk' },
          { called: 'listen', from: ['127.0.0.1/32'], hear: 'calls/talk' },
          {
            called: 'fuzz',
            from: ['127.0.0.1/32', '127.0.0.66/32'],
            publish: 'fuzz/{callId}',
            hear: 'calls/talk',
          },
        ],
        // Everything is to be read, not only the first of each second.
        limits: { calls: 300, callsPerSource: 300, newCallsPerSource: 1e9, refusalsPerSource: 1e9 },
      },
    },
    { log, clock },
  )
  port = gateway.doors.get('sip')!.port
  alice = await placeSipCall(port, 'talk')
  bob = await placeSipCall(port, 'listen')
  attacker = createSocket('udp4')
  await new Promise<void>(resolve => attacker.bind(0, '127.0.0.66', resolve))
})
afterAll(async () => {
  attacker.close()
  await Promise.all([alice, bob].map(caller => caller?.close()))
  await gateway.close({ code: 'shutdown' })
})

const callsOfOthers = () =>
  gateway.calls.list().filter(({ state, to }) => state !== 'ended' && !/sip:(talk|listen)@/.test(to))

/** After each attack the two still hear each other, the gateway answers, and nothing of ours has failed. */
afterEach(async () => {
  word = (word + 1) & 0x7f
  alice!.say(word)
  await until('bob hears alice', () => bob!.heard.at(-1) === word)
  expect([alice!.ended, bob!.ended]).toEqual([false, false])
  expect(await sipReaches(port, 3000)).toBe(true)
  expect(faults).toEqual([])
})

/** Waits until the memory of an attack is given back, but for this much of it. */
const heapIsBack = async (before: number, megabytes: number): Promise<void> => {
  let grown = 0
  const look = (): boolean => {
    grown = heapInUse() - before
    return grown < megabytes * 2 ** 20
  }
  await until(() => `${Math.round(grown / 2 ** 20)} MB stay`, look, 20_000)
}

const hangUpOthers = async (): Promise<void> => {
  await Promise.all(callsOfOthers().map(({ id }) => gateway.calls.hangup(id).catch(() => undefined)))
  await until('no call of theirs is left', () => callsOfOthers().length === 0)
}

/** Datagrams in the order they are made; the gateway has read each batch before the next leaves. */
const flood = async (count: number, make: (index: number) => Uint8Array, to = port): Promise<void> => {
  for (let index = 0; index < count; index++) {
    attacker.send(make(index), to, '127.0.0.1')
    if (index % 40 === 39) await turn()
    if (index % 400 === 399) await until('the gateway keeps up', () => sipReaches(port, 1000))
  }
}

const attackerPort = (): number => attacker.address().port

describe('RFC 4475', () => {
  test.each(torture.map(message => [message.section, message.about, message] as const))(
    '%s: %s',
    async (_section, _about, { bytes, answers }) => {
      const own = createSocket('udp4')
      await new Promise<void>(resolve => own.bind(0, '127.0.0.66', resolve))
      const codes: number[] = []
      own.on('message', answer => codes.push(Number(/^SIP\/2\.0 (\d{3})/.exec(answer.toString())?.[1])))
      const marker = Buffer.from('127.0.0.1:PORT')
      const at = bytes.indexOf(marker)
      const sent =
        at < 0
          ? bytes
          : Buffer.concat([
              bytes.subarray(0, at),
              Buffer.from(`127.0.0.66:${own.address().port}`),
              bytes.subarray(at + marker.length),
            ])
      own.send(sent, port, '127.0.0.1')
      if (answers.includes(undefined)) expect(await sipReaches(port, 3000)).toBe(true)
      else await until('it is answered', () => codes.some(code => code >= 200), 3000)
      for (const code of codes.filter(each => each >= 200)) expect(answers).toContain(code)
      own.close()
    },
  )
})

const via = (): string => `SIP/2.0/UDP 127.0.0.66:${attackerPort()};branch=z9hG4bK${word}abc;rport`
const request = (method: string, user: string, headers: readonly string[], body = ''): string =>
  [
    `${method} sip:${user}@127.0.0.1:${port} SIP/2.0`,
    `Via: ${via()}`,
    'Max-Forwards: 70',
    'From: "Eve" <sip:eve@127.0.0.66>;tag=eve1',
    ...(headers.some(line => line.startsWith('To:')) ? [] : [`To: <sip:${user}@127.0.0.1>`]),
    'Call-ID: 0123456789@127.0.0.66',
    `CSeq: 7 ${method}`,
    `Contact: <sip:eve@127.0.0.66:${attackerPort()}>`,
    ...headers,
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')

const sdp = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.66',
  's=-',
  'c=IN IP4 127.0.0.66',
  't=0 0',
  'm=audio 40000 RTP/SAVP 96 0 101',
  'a=rtpmap:96 opus/48000/2',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20',
  'm=video 40002 RTP/AVPF 97',
  'a=rtpmap:97 H264/90000',
  'a=fmtp:97 packetization-mode=1;profile-level-id=42e01f',
  '',
].join('\r\n')

const typed = (type: string): string => `Content-Type: ${type}`
const sipSeeds = (): readonly Uint8Array[] =>
  [
    request(
      'INVITE',
      'fuzz',
      [typed('application/sdp'), 'Supported: 100rel, timer', 'Session-Expires: 1800'],
      sdp,
    ),
    request('INVITE', 'fuzz', []),
    request('INVITE', 'nobody', [typed('application/sdp')], sdp),
    request(
      'INVITE',
      'fuzz',
      [
        ...['Replaces: a@b;to-tag=1;from-tag=2;early-only', 'Require: replaces', typed('application/sdp')],
        'P-Asserted-Identity: "Eve" <sip:+49301@example.com>, <tel:+49301>',
        'Diversion: <sip:+49302@example.com>;reason=no-answer',
      ],
      sdp,
    ),
    request('OPTIONS', 'fuzz', ['Accept: application/sdp']),
    request('REGISTER', 'fuzz', [
      'Expires: 60',
      'Authorization: Digest username="eve", realm="x", nonce="y"',
    ]),
    request('BYE', 'fuzz', ['To: <sip:fuzz@127.0.0.1>;tag=1', 'Reason: Q.850;cause=16;text="x"']),
    request('CANCEL', 'fuzz', []),
    request('ACK', 'fuzz', ['To: <sip:fuzz@127.0.0.1>;tag=1']),
    request('PRACK', 'fuzz', ['RAck: 1 7 INVITE', 'To: <sip:fuzz@127.0.0.1>;tag=1']),
    request('UPDATE', 'fuzz', ['To: <sip:fuzz@127.0.0.1>;tag=1', typed('application/sdp')], sdp),
    request('INFO', 'fuzz', [typed('application/dtmf-relay')], 'Signal=5\r\nDuration=160\r\n'),
    request('REFER', 'fuzz', ['Refer-To: <sip:+4990012345@example.com?Replaces=a%3Bto-tag%3Db>']),
    request('NOTIFY', 'fuzz', ['Event: refer', typed('message/sipfrag')], 'SIP/2.0 200 OK'),
    request('SUBSCRIBE', 'fuzz', ['Event: presence']),
    request('MESSAGE', 'fuzz', [typed('text/plain')], 'hello'),
    request(
      'INVITE',
      'fuzz',
      ['Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>', typed('application/sdp')],
      sdp,
    ),
    `SIP/2.0 200 OK\r\nVia: ${via()}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`,
    `SIP/2.0 401 Unauthorized\r\nVia: ${via()}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\nWWW-Authenticate: Digest realm="a", nonce="b", qop="auth"\r\n\r\n`,
    '\r\n\r\n',
  ].map(text => Buffer.from(text, 'latin1'))

/** Often another Call-ID and branch, so that it is somebody new. */
const spoil = (seed: Uint8Array, random: Random, index: number): Uint8Array => {
  const text = Buffer.from(seed)
    .toString('latin1')
    .replace('0123456789@', () => `${index}@`)
    .replace(/z9hG4bK\w+/, () => `z9hG4bK${index}x`)
  return random(8) === 0 ? Buffer.from(text, 'latin1') : mutate(Buffer.from(text, 'latin1'), random)
}

describe('spoiled messages', () => {
  test('forty thousand over UDP: nobody is hurt, and nothing is left of them', async () => {
    const random = createRandom(4475)
    const seeds = [...sipSeeds(), ...torture.map(({ bytes }) => bytes)]
    const run = async (count: number, from: number): Promise<void> => {
      await flood(count, index => spoil(seeds[random(seeds.length)]!, random, from + index))
      await hangUpOthers()
    }
    await run(4000, 0)
    const [heap, sockets] = [heapInUse(), socketsOf()]
    await run(36_000, 4000)
    expect(socketsOf()).toBeLessThanOrEqual(sockets)
    await heapIsBack(heap, 6)
    expect(gateway.registry.list().map(({ name }) => name)).toEqual(['calls/talk'])
  }, 120_000)

  test('two thousand connections worth of them over TCP', async () => {
    const random = createRandom(5060)
    const seeds = sipSeeds()
    const sockets = socketsOf()
    for (let index = 0; index < 400; index++) {
      const parts = Array.from({ length: 5 }, () =>
        spoil(seeds[random(seeds.length)]!, random, 100_000 + index),
      )
      await new Promise<void>(resolve => {
        const connection = createConnection({ port, host: '127.0.0.1', localAddress: '127.0.0.66' })
        connection.on('error', () => undefined).on('close', () => resolve())
        connection.resume().end(Buffer.concat(parts))
        connection.setTimeout(100, () => connection.destroy())
      })
    }
    await hangUpOthers()
    await until('no connection is left', () => socketsOf() <= sockets + 1)
  }, 90_000)

  test('five thousand within a call of their own', async () => {
    const random = createRandom(3261)
    const eve = await placeSipCall(port, 'fuzz')
    const { callId, localTag, remoteTag } = eve.session
    const inside = (method: string, headers: readonly string[], body = ''): Buffer =>
      Buffer.from(
        request(method, 'fuzz', [`To: <sip:fuzz@127.0.0.1>;tag=${remoteTag}`, ...headers], body)
          .replace('tag=eve1', `tag=${localTag}`)
          .replace('0123456789@127.0.0.66', callId),
      )
    const held = sdp.replace('t=0 0', 't=0 0\r\na=sendonly')
    const seeds = [
      inside('INVITE', [typed('application/sdp')], sdp),
      inside('INVITE', [typed('application/sdp')], held),
      inside('INVITE', []),
      inside('UPDATE', [typed('application/sdp'), 'Session-Expires: 90;refresher=uac'], sdp),
      inside('INFO', [typed('application/dtmf-relay')], 'Signal=5\r\nDuration=160\r\n'),
      inside(
        'INFO',
        [typed('application/media_control+xml')],
        '<media_control><picture_fast_update/></media_control>',
      ),
      inside('REFER', ['Refer-To: <sip:+4990012345@127.0.0.1>']),
      inside('NOTIFY', ['Event: refer', typed('message/sipfrag')], 'SIP/2.0 200 OK'),
      inside('PRACK', ['RAck: 1 1 INVITE']),
      inside('ACK', [typed('application/sdp')], sdp),
      inside('OPTIONS', []),
    ]
    const happened = new Set<string>()
    const off = gateway.calls.on(({ type }) => void happened.add(type))
    attacker.send(inside('UPDATE', [typed('application/sdp')], held), port, '127.0.0.1')
    await until('her call is on hold', () => happened.has('call:held'))
    await flood(5000, index => {
      const text = Buffer.from(seeds[random(seeds.length)]!)
        .toString('latin1')
        .replace('CSeq: 7 ', `CSeq: ${10 + index} `)
        .replace(/z9hG4bK\w+/, `z9hG4bKin${index}`)
      return random(4) === 0 ? Buffer.from(text, 'latin1') : mutate(Buffer.from(text, 'latin1'), random)
    })
    off()
    // They were read as what they are, and the transfer to a number that costs was not followed.
    expect([...happened]).toContain('call:dtmf')
    expect(gateway.calls.list().filter(({ direction }) => direction === 'outbound')).toEqual([])
    await eve.close()
    await hangUpOthers()
  }, 60_000)

  test('a BYE or CANCEL of the call by somebody who knows its Call-ID ends nothing', async () => {
    for (const { callId } of gateway.calls.list().filter(({ state }) => state === 'live'))
      for (const method of ['BYE', 'CANCEL', 'UPDATE', 'INVITE', 'INFO', 'REFER'])
        for (const tag of [';tag=0', ';tag=guess', '']) {
          const text = request(method, 'talk', [`To: <sip:talk@127.0.0.1>${tag}`])
          attacker.send(text.replace('0123456789@127.0.0.66', callId), port, '127.0.0.1')
        }
    expect(await sipReaches(port, 3000)).toBe(true)
  })
})

describe('scanners', () => {
  test('ten thousand of their requests make no stream, no port, no growth and next to no lines', async () => {
    const methods = ['INVITE', 'OPTIONS', 'REGISTER']
    const probe = (index: number): Uint8Array =>
      Buffer.from(
        request(
          methods[index % 3]!,
          `${100 + (index % 9000)}`,
          ['User-Agent: friendly-scanner', typed('application/sdp')],
          sdp,
        )
          .replace('0123456789@', `${index}scan@`)
          .replace(/z9hG4bK\w+/, `z9hG4bKscan${index}`),
      )
    await flood(2000, probe)
    const [heap, sockets, streams] = [heapInUse(), socketsOf(), gateway.registry.list().length]
    lines.length = 0
    const begin = performance.now()
    await flood(10_000, index => probe(10_000 + index))
    const seconds = (performance.now() - begin) / 1000
    // A connection of an attack before may end meanwhile.
    expect(socketsOf()).toBeLessThanOrEqual(sockets)
    expect(gateway.registry.list().length).toBe(streams)
    expect(callsOfOthers()).toEqual([])
    await heapIsBack(heap, 6)
    expect(lines.length).toBeLessThanOrEqual(2 * Math.ceil(seconds) + 2)
  }, 90_000)
})

const rtp = (bytes: number, type: number): Buffer => {
  const packet = Buffer.alloc(12 + bytes, 0x55)
  packet.set([0x80, type, 0x10, 0x00, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef])
  return packet
}
const rtpSeeds: readonly Uint8Array[] = [
  rtp(160, 0),
  rtp(160, 0x80),
  rtp(4, 101),
  rtp(1400, 96),
  rtp(0, 0),
  Buffer.concat([
    Buffer.from([0x90, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0]),
    Buffer.alloc(160),
  ]),
  Buffer.concat([Buffer.from([0xaf, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4]), Buffer.alloc(60)]),
  Buffer.concat([rtp(20, 0), Buffer.from([0, 0, 0, 8])]),
]
const rtcpSeeds: readonly Uint8Array[] = [
  // sender report with one block, then a name
  '81c8000c deadbeef e1000000 80000000 00000001 00000010 00001000 11223344 01000002 00000100 00000005 aabbccdd 00000010 81ca0003 deadbeef 0103 61 62 63 00 00 00',
  '80c90001 deadbeef', // receiver report
  '81cb0001 deadbeef', // goodbye
  '81ce0002 deadbeef 11223344', // picture loss
  '84ce0004 deadbeef 00000000 11223344 01000000', // full intra request
  '81cd0003 deadbeef 11223344 00100fff', // not received
  '8fcd0005 deadbeef 11223344 00000003 000000ff 20032001', // transport-wide
  '80cc0002 deadbeef 41424344', // of an application
].map(hex => Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** The packet as the `index`-th of its stream. */
const goingOn = (seed: Uint8Array, index: number): Uint8Array => {
  const bytes = Buffer.from(seed)
  if (bytes[1]! >= 192) return bytes
  bytes.writeUInt16BE(index & 0xffff, 2)
  bytes.writeUInt32BE(index * 160, 4)
  return bytes
}

describe('spoiled media', () => {
  test('forty thousand RTP and RTCP packets of a caller, and of strangers', async () => {
    const random = createRandom(3550)
    const eve = await placeSipCall(port, 'fuzz')
    const all = [...rtpSeeds, ...rtcpSeeds]
    const strangers = [alice!, bob!, eve].flatMap(({ gatewayRtp }) => [gatewayRtp.port, gatewayRtp.rtcpPort])
    const run = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        const seed = goingOn(all[random(all.length)]!, index)
        const bytes = random(3) === 0 ? seed : mutate(seed, random)
        if (random(4) === 0) attacker.send(bytes, strangers[random(strangers.length)]!, '127.0.0.1')
        else eve.send(bytes, random(3) === 0 ? 'rtcp' : 'rtp')
        if (index % 40 === 39) await turn()
        if (index % 400 === 399) await until('the gateway keeps up', () => sipReaches(port, 1000))
      }
    }
    await run(5000)
    const [heap, sockets] = [heapInUse(), socketsOf()]
    await run(35_000)
    const { received } = callsOfOthers()[0]!.media[0]!
    const dropped = Object.values(received.dropped).reduce((sum, count) => sum + count, 0)
    expect(dropped).toBeGreaterThan(5000)
    expect(received.bytes).toBeGreaterThan(50_000)
    expect(socketsOf()).toBeLessThanOrEqual(sockets)
    await heapIsBack(heap, 6)
    await until('eve still hears alice', () => eve.heard.length > 50)
    await eve.close()
    await until('her call has ended', () => callsOfOthers().length === 0)
  }, 120_000)
})
