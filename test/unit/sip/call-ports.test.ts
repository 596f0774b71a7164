/** What a gateway answers to callers: ports, addresses and formats. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../../src/gateway.ts'
import { createH264Params } from '../../../src/media/h264/parameters.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { freePort, until } from '../../helpers/program.ts'
import { placeSipCall } from '../../helpers/sip-caller.ts'
import { openUserAgent } from '../../helpers/sip-user-agent.ts'

const free = { listen: { host: '127.0.0.1', port: 0 } }
let gateway: Gateway
let door: number
let min: number

beforeAll(async () => {
  min = ((await freePort()) + 1) & ~1
  gateway = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: {
        ...free,
        ports: { min, max: min + 1 },
        outbound: { domains: ['127.0.0.1'] },
        routes: [{ called: 'a', from: 'loopback', publish: 'a/{callId}' }],
      },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
  door = gateway.doors.get('sip')!.port
})
afterAll(() => gateway.close())

test('a call with sound only takes one pair, and an offer that does not fit needs none to be judged', async () => {
  const first = await placeSipCall(door, 'a')
  expect(first.gatewayRtp).toEqual({ port: min, rtcpPort: min + 1 })
  // G.729, while every port is taken: 488, not 503.
  await expect(placeSipCall(door, 'a', { type: 18 })).rejects.toThrow('488')
  await expect(placeSipCall(door, 'a')).rejects.toThrow(/50[03]/)
  const reasons = gateway.calls.list().map(({ reason }) => reason?.detail ?? '')
  expect(reasons).toContainEqual(expect.stringContaining('no codec in common: offered G729'))
  expect(reasons).toContainEqual(expect.stringMatching(/RTP ports \d+-\d+ are taken/))
  await first.close()
  await until('the ports are free again', () => gateway.calls.list().every(({ state }) => state === 'ended'))
  const next = await placeSipCall(door, 'a')
  expect(next.gatewayRtp.port).toBe(min)
  await next.close()
})

test('pictures for which no port is left are left out, at first and later, and the call goes on', async () => {
  const video = ['m=video 40000 RTP/AVP 97', 'a=rtpmap:97 H264/90000']
  const live = () => gateway.calls.list().find(({ state }) => state === 'live')
  const caller = await placeSipCall(door, 'a', { more: video })
  expect(caller.answer).toMatch(/^m=audio [1-9][\s\S]*^m=video 0 /m)
  expect(live()?.remarks).toContainEqual(
    expect.stringMatching(/^video is left out: .*RTP ports .* are taken/),
  )
  await caller.close()
  await until('it is over', () => live() === undefined)

  const plain = await placeSipCall(door, 'a')
  const sdp = (version: number, lines: readonly string[]): { type: string; content: string } => ({
    type: 'application/sdp',
    content: [
      ...['v=0', `o=- 1 ${version} IN IP4 127.0.0.1`, 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
      ...lines,
      '',
    ].join('\r\n'),
  })
  const sound = `m=audio ${plain.rtpPort} RTP/AVP 0`
  const added = await plain.session.reinvite(sdp(2, [sound, ...video]))
  expect(added.code).toBe(200)
  expect(added.body?.content).toMatch(/^m=video 0 /m)
  // Sound is given up, and wanted back while somebody else has its port.
  const [silent, speaking] = [['m=audio 0 RTP/AVP 0'], [sound]]
  expect((await plain.session.reinvite(sdp(3, silent))).code).toBe(200)
  const other = await placeSipCall(door, 'a')
  const refused = await plain.session.reinvite(sdp(4, speaking))
  expect([refused.code, refused.headers.get('warning')]).toEqual([488, expect.stringContaining('are taken')])
  await other.close()
  await until(
    'the port is free',
    () => gateway.calls.list().filter(each => each.state === 'live').length === 1,
  )
  expect((await plain.session.reinvite(sdp(5, speaking))).code).toBe(200)
  expect(plain.ended).toBe(false)
  await plain.close()
  await until('it is over', () => live() === undefined)
})

test('a call of ours goes without pictures too, and gives back what it got when there is no port for sound', async () => {
  const heard: (string | undefined)[] = []
  const phone = await openUserAgent({
    onInvite: invite => {
      heard.push(invite.offer?.content)
      invite.reject(486)
    },
  })
  const to = `sip:bob@127.0.0.1:${phone.addresses[0]!.port}`
  const dial = () => gateway.calls.dial({ to, video: true })
  await dial()
  await until('it is refused, and so its port free', () => {
    return heard.length === 1 && gateway.calls.list().every(({ state }) => state === 'ended')
  })
  expect(heard[0]).toMatch(/^m=audio /m)
  expect(heard[0]).not.toContain('m=video')
  const other = await placeSipCall(door, 'a')
  await expect(dial()).rejects.toMatchObject({ code: 'port-in-use' })
  await other.close()
  await until('the port is free', () => gateway.calls.list().every(({ state }) => state === 'ended'))
  await dial()
  await until('it rings again', () => heard.length === 2)
  await phone.close()
})

test('over IPv6 as well', async () => {
  const other = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: {
        listen: { host: '::1', port: 0 },
        routes: [
          { called: 'talk', from: '::1', publish: 'calls/talk' },
          { called: 'listen', from: 'loopback', hear: 'calls/talk' },
        ],
      },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
  const { port } = other.doors.get('sip')!
  const alice = await placeSipCall(port, 'talk', { host: '::1' })
  const bob = await placeSipCall(port, 'listen', { host: '::1' })
  alice.say(0x21)
  await until('bob hears alice', () => bob.heard.includes(0x21))
  const [call] = other.calls.list()
  expect(call).toMatchObject({ peer: expect.stringMatching(/^udp \[::1\]:\d+$/) })
  expect(call!.media[0]).toMatchObject({
    local: expect.stringMatching(/^\[::1\]:\d+$/),
    remote: expect.stringMatching(/^\[::1\]:\d+$/),
  })
  await Promise.all([alice.close(), bob.close()])
  await other.close()
})

test('of several formats of H.264 that of the stream is taken', async () => {
  const other = await createGateway(
    {
      ...{ http: free, rtmp: free, webrtc: free },
      sip: { ...free, routes: [{ called: 'see', from: 'loopback', hear: 'live/cam', answer: 'at-once' }] },
    },
    { log: createLogger({ level: 'silent', format: 'json' }) },
  )
  const { port } = other.doors.get('sip')!
  const more = [
    'm=video 40000 RTP/AVP 97 98',
    'a=rtpmap:97 H264/90000',
    'a=fmtp:97 packetization-mode=1;profile-level-id=42e01f',
    'a=rtpmap:98 H264/90000',
    'a=fmtp:98 packetization-mode=1;profile-level-id=64001f',
  ]
  const answered = async (): Promise<string | undefined> => {
    const caller = await placeSipCall(port, 'see', { more })
    await caller.close()
    return /^m=video \d+ RTP\/AVP (.*)\r$/m.exec(caller.answer)?.[1]
  }
  expect(await answered()).toBe('97')
  const publication = other.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  const params = createH264Params([], [], '640028')
  publication.addTrack({ id: 'video', native: 'frame', params })
  publication.ready()
  expect(await answered()).toBe('98')
  await other.close()
})
