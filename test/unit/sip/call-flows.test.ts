/** What calls do, message by message: the gateway on a network in memory, against a scripted far end. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CallEvent } from '../../../src/adapters/call-desk.ts'
import type { Call } from '../../../src/adapters/sip/calls/call.ts'
import { setHold } from '../../../src/adapters/sip/calls/renegotiate.ts'
import { sendDigits } from '../../../src/adapters/sip/calls/send-digits.ts'
import { transferCall } from '../../../src/adapters/sip/calls/transfer.ts'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { SipRequest } from '../../../src/adapters/sip/message/types.ts'
import type { Rejection } from '../../../src/adapters/sip/outgoing-invite.ts'
import type { Session, SessionEnd } from '../../../src/adapters/sip/session.ts'
import type { Signalling } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { openBoard, phoneSdp, type TestBoard } from '../../helpers/sip-board.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { address, openPeer, pass, uri } from '../../helpers/sip-peer.ts'

const PEER = '10.0.0.2'
const from = 'any'
const section = {
  routes: [
    { called: '1000', from, publish: 'calls/{callId}', hear: 'live/cam' },
    { called: '2000', from, publish: 'calls/one', answer: 'at-once' },
    { called: '3000', from, pin: '4711', publish: 'calls/{callId}', hear: 'live/cam' },
    { called: '4000', from, hear: 'live/cam', earlyMedia: true },
    { called: '5000', from, publish: 'calls/{callId}', transfer: { to: ['7'] } },
    { called: '6000', from, maxCalls: 1 },
    { called: '8000', from, hear: 'calls/one', answer: 'at-once' },
    { called: '9000', from, direction: 'listen', hear: 'live/cam' },
    { called: '403', from: '192.0.2.0/24' },
  ],
  codecs: ['pcmu', 'pcma'],
  outbound: { domains: [PEER] },
  timeouts: { hearMs: 4000, pinMs: 3000, transferMs: 5000, silenceMs: 30_000, ringMs: 20_000 },
}

let clock: ManualClock
let network: SipNetwork
let gateway: TestBoard
let peer: Signalling
let incoming: IncomingInvite[]
let ends: SessionEnd[]
let requests: SipRequest[]

beforeEach(async () => {
  clock = new ManualClock()
  network = new SipNetwork(clock)
  gateway = await openBoard(clock, network, section)
  incoming = []
  ends = []
  requests = []
  peer = await openPeer(clock, network, PEER, { onInvite: invite => incoming.push(invite) })
})
afterEach(async () => {
  await Promise.all([gateway.close(), peer.close(0), pass(clock, 2000, 50)])
})

const sdp = (...rest: Parameters<typeof phoneSdp> extends [string, ...infer Rest] ? Rest : never) => ({
  type: 'application/sdp',
  content: phoneSdp(PEER, ...rest),
})
type Told = { session?: Session; answer?: string | undefined; rejection?: Rejection; provisional: number[] }

/** The far end calls. `body` undefined: it lets us offer. */
const call = (user: string, body: ReturnType<typeof sdp> | undefined = sdp()) => {
  const told: Told = { provisional: [] }
  const invite = peer.invite(
    { uri: uri(`sip:${user}@10.0.0.1`), from: address(`<sip:bob@${PEER}>`), ...(body && { body }) },
    {
      provisional: ({ response, body: early }) => {
        told.provisional.push(response.code)
        if (early !== undefined) told.answer = early.content
      },
      accepted: (session, { body: answer }) => {
        told.session = session
        told.answer = answer?.content
        session.listen({
          ended: end => ends.push(end),
          info: each => {
            requests.push(each.request)
            each.reply(200)
          },
        })
      },
      rejected: rejection => {
        told.rejection = rejection
      },
    },
  )
  return { told, invite }
}
const theCall = (): Call => [...gateway.board.calls.values()][0]!
const typesOf = (): CallEvent['type'][] => gateway.events.map(({ type }) => type)
const directionOf = (text: string | undefined): string =>
  /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(text ?? '')?.[1] ?? 'none'
const live = async (user = '2000', body?: ReturnType<typeof sdp>): Promise<Session> => {
  const { told } = body === undefined ? call(user) : call(user, body)
  await pass(clock, 100)
  expect(told.rejection).toBeUndefined()
  return told.session!
}

describe('codes of refusal', () => {
  test.for<[what: string, user: string, code: number]>([
    ['no rule', '777', 404],
    ['not from there', '403', 403],
    ['what is to be heard does not come', '1000', 480],
  ])('%s', async ([, user, code]) => {
    const { told } = call(user)
    await pass(clock, 6000)
    expect(told.rejection?.code).toBe(code)
    expect(gateway.ports.size).toBe(0)
    expect(gateway.registry.list()).toEqual([])
  })

  test('a name that is taken', async () => {
    await live()
    const { told } = call('2000')
    await pass(clock, 100)
    expect(told.rejection?.code).toBe(486)
  })

  test('a rule that is full', async () => {
    await live('6000')
    const { told } = call('6000')
    await pass(clock, 100)
    expect(told.rejection?.code).toBe(486)
  })

  test.for([
    [{ calls: 1 }, 'sip.limits.calls is 1'],
    [{ callsPerSource: 1 }, 'sip.limits.callsPerSource is 1'],
  ] as const)('a gateway of which nobody gets more: %j', async ([limits, why]) => {
    await Promise.all([gateway.close(), pass(clock, 2000, 50)])
    gateway = await openBoard(clock, network, { ...section, limits })
    await live('2000')
    const { told } = call('2000')
    await pass(clock, 100)
    expect(told.rejection?.code).toBe(503)
    expect(JSON.stringify(gateway.events)).toContain(why)
  })

  test('no codec in common, and why', async () => {
    const content = sdp().content.replace('RTP/AVP 0 101', 'RTP/AVP 3 101')
    const { told } = call('2000', { type: 'application/sdp', content })
    await pass(clock, 100)
    expect(told.rejection?.code).toBe(488)
    expect(told.rejection?.response.headers.get('warning')).toMatch(/^305 .*GSM/)
    expect(gateway.ports.size).toBe(0)
  })

  test('nothing in common with what is to be heard', async () => {
    const publication = gateway.registry.publish('live/cam', { label: 'x', onConflict: 'reject' })
    publication.addTrack({
      id: 'audio',
      native: 'rtp',
      params: { codec: 'g722', kind: 'audio', clockRate: 8000, channels: 1 },
    })
    publication.ready()
    const { told } = call('1000')
    await pass(clock, 100)
    expect(told.rejection?.code).toBe(488)
  })

  test('is one event and one line a second, whatever comes', async () => {
    for (let i = 0; i < 20; i++) call('777')
    await pass(clock, 500)
    expect(typesOf().filter(type => type === 'call:refused')).toHaveLength(1)
    await pass(clock, 600)
    call('777')
    await pass(clock, 100)
    const refused = gateway.events.filter(event => event.type === 'call:refused')
    expect(refused.map(event => event.refused)).toEqual([1, 20])
  })

  test('who goes on is not answered any more', async () => {
    for (let i = 0; i < 31; i++) {
      call('777')
      await pass(clock, 100)
    }
    const before = gateway.board.refusals.total
    const { told } = call('777')
    await pass(clock, 400)
    expect(told.rejection).toBeUndefined()
    expect(gateway.board.refusals.total).toBe(before)
    expect(gateway.board.refusals.dropped).toBeGreaterThan(0)
  })

  test('who finds a line taken forty times is answered still', async () => {
    const session = await live('6000')
    for (let i = 0; i < 40; i++) {
      call('6000')
      await pass(clock, 100)
    }
    session.bye()
    await pass(clock, 100)
    await live('6000')
  })

  test('wrong numbers of some callers through a trunk are not held against the others', async () => {
    await gateway.close()
    const trunks = { carrier: { uri: `sip:us@${PEER}` } }
    gateway = await openBoard(clock, network, { ...section, trunks })
    for (let i = 0; i < 40; i++) {
      call('777')
      await pass(clock, 100)
    }
    await live('6000')
  })
})

describe('a call that comes in', () => {
  test('rings until there is something to hear, is answered, and its media opened at once', async () => {
    const { told } = call('1000')
    await pass(clock, 1000)
    expect(told.provisional).toContain(180)
    expect(told.session).toBeUndefined()
    gateway.publish('live/cam')
    await pass(clock, 50)
    expect(told.session).toBeDefined()
    const [endpoint] = gateway.ports.opened
    expect(endpoint!.agreement!.remote).toMatchObject({ address: PEER, port: 4000 })
    await pass(clock, 100)
    expect(endpoint!.sent).toBeGreaterThan(2)
    expect(theCall().info).toMatchObject({
      state: 'live',
      hear: 'live/cam',
      publish: `calls/${theCall().id}`,
    })
    expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(1)
    expect(gateway.registry.find(theCall().info.publish!)!.state).toBe('ready')
  })

  test('is let go when the caller hangs up while it rings', async () => {
    const { invite } = call('1000')
    await pass(clock, 500)
    invite.cancel()
    await pass(clock, 200)
    expect(typesOf()).toEqual(['call:ringing', 'call:ended'])
    expect(gateway.ports.size).toBe(0)
  })

  test('is heard before the answer where the rule says so', async () => {
    gateway.publish('live/cam')
    const { told } = call('4000')
    await pass(clock, 50)
    expect(told.provisional).toEqual([180, 183])
    expect(typesOf()).toEqual(['call:ringing', 'call:early', 'call:answered'])
  })

  test('without an offer gets ours with the answer, and theirs with the ACK', async () => {
    gateway.publish('live/cam')
    const told: Told = { provisional: [] }
    peer.invite(
      { uri: uri('sip:1000@10.0.0.1'), from: address(`<sip:bob@${PEER}>`) },
      {
        accepted: (session, { body }) => {
          told.answer = body?.content
          session.acknowledge(sdp())
          session.listen({ ended: () => undefined })
        },
        rejected: () => undefined,
      },
    )
    await pass(clock, 100)
    expect(told.answer).toMatch(/m=audio \d+ RTP\/AVP 0 8 101/)
    expect(theCall().info.media[0]).toMatchObject({ codec: 'pcmu', direction: 'sendrecv' })
    expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(1)
  })

  test('to which nobody is to talk is told so', async () => {
    gateway.publish('live/cam')
    const { told } = call('9000')
    await pass(clock, 100)
    expect(directionOf(told.answer)).toBe('sendonly')
  })

  test('is over when nothing comes for so long', async () => {
    await live()
    await pass(clock, 29_000, 250)
    expect(theCall().state).toBe('live')
    await pass(clock, 3000, 250)
    expect(ends).toHaveLength(1)
    expect(ends[0]!.detail).toMatch(/nothing was received for 3\d{4} ms/)
  })

  test('goes on hearing when the stream comes back', async () => {
    const cam = gateway.publish('live/cam')
    await live('1000')
    await cam.close({ code: 'unpublished' })
    await pass(clock, 100)
    expect(theCall().info).toMatchObject({ state: 'live', hearError: expect.stringContaining('unpublished') })
    gateway.publish('live/cam')
    await pass(clock, 100)
    expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(1)
    expect(theCall().info.hearError).toBeUndefined()
  })

  test('hears something else when it is told to, with the same SSRC', async () => {
    gateway.publish('live/cam')
    gateway.publish('live/two')
    await live('1000')
    const [endpoint] = gateway.ports.opened
    await theCall().hearing.hear('live/two')
    expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(0)
    expect(gateway.registry.find('live/two')!.subscribers).toHaveLength(1)
    await theCall().hearing.hear(undefined)
    expect(gateway.registry.find('live/two')!.subscribers).toHaveLength(0)
    expect([...gateway.ports.opened]).toEqual([endpoint])
  })
})

describe('a PIN', () => {
  const key = (session: Session, digits: string): void => {
    for (const digit of digits)
      void session.info({ type: 'application/dtmf-relay', content: `Signal=${digit}\r\n` })
  }

  test('is asked for before anything is heard or published', async () => {
    gateway.publish('live/cam')
    const session = await live('3000')
    await pass(clock, 500)
    expect(gateway.registry.list('calls/')).toEqual([])
    expect(gateway.registry.find('live/cam')!.subscribers).toEqual([])
    const waits = { state: 'live', waitsFor: 'pin', publish: undefined, hear: undefined }
    expect(theCall().info).toMatchObject(waits)
    key(session, '12#')
    await pass(clock, 300)
    expect(gateway.registry.list('calls/')).toEqual([])
    key(session, '4711#')
    await pass(clock, 300)
    expect(gateway.registry.list('calls/')).toHaveLength(1)
    expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(1)
    const joined = { state: 'live', waitsFor: undefined, publish: expect.any(String), hear: 'live/cam' }
    expect(theCall().info).toMatchObject(joined)
  })

  test.for([
    ['is wrong three times', '1#2#3#', 300],
    ['does not come', '', 4000],
  ] as const)('that %s ends the call', async ([, digits, ms]) => {
    const session = await live('3000')
    key(session, digits)
    await pass(clock, ms, 50)
    expect(ends).toHaveLength(1)
    expect(ends[0]!.detail).toContain('the PIN was not keyed in')
  })
})

describe('hold', () => {
  test('by the far side five times, and back; the SSRC and the port stay', async () => {
    const session = await live()
    const [endpoint] = gateway.ports.opened
    for (let round = 0; round < 5; round++) {
      const held = await reinvite(session, sdp(2 * round + 2, round % 2 === 0 ? 'sendonly' : 'inactive'))
      expect(directionOf(held)).toBe(round % 2 === 0 ? 'recvonly' : 'inactive')
      expect(theCall().hold).toBe('by-them')
      expect(directionOf(await reinvite(session, sdp(2 * round + 3)))).toBe('sendrecv')
      expect(theCall().hold).toBe('none')
    }
    expect([...gateway.ports.opened]).toEqual([endpoint])
    expect(typesOf().filter(type => type === 'call:held')).toHaveLength(5)
    expect(ends).toEqual([])
  })

  test('by c=0.0.0.0, as old phones do', async () => {
    const session = await live()
    const content = sdp(2).content.replace(`c=IN IP4 ${PEER}`, 'c=IN IP4 0.0.0.0')
    const response = session.reinvite({ type: 'application/sdp', content })
    await pass(clock, 100)
    expect((await response).code).toBe(200)
    expect(theCall().hold).toBe('by-them')
  })

  test('by us, by both, and back', async () => {
    let version = 10
    const { told } = call('2000')
    await pass(clock, 100)
    let wanted = 'sendrecv' as 'sendrecv' | 'recvonly' | 'inactive'
    told.session!.listen({
      ended: end => ends.push(end),
      offered: offer => {
        const asked = directionOf(offer.body?.content)
        wanted = asked === 'sendonly' ? 'recvonly' : asked === 'inactive' ? 'inactive' : 'sendrecv'
        const content = phoneSdp(PEER, ++version).replace('a=sendrecv', `a=${wanted}`)
        offer.accept({ type: 'application/sdp', content })
      },
    })
    const done = setHold(theCall(), true)
    await pass(clock, 200)
    await done
    expect(theCall().hold).toBe('by-us')
    expect(wanted).toBe('recvonly')
    const held = await reinvite(told.session!, sdp(++version, 'sendonly'))
    expect(directionOf(held)).toBe('inactive')
    expect(theCall().hold).toBe('both')
    await reinvite(told.session!, sdp(++version, 'sendrecv'))
    const back = setHold(theCall(), false)
    await pass(clock, 200)
    await back
    expect(theCall().hold).toBe('none')
    expect(ends).toEqual([])
  })

  test('is not for ever silent: a held call may say nothing for longer', async () => {
    const session = await live()
    await reinvite(session, sdp(2, 'sendonly'))
    await pass(clock, 60_000, 500)
    expect(theCall().state).toBe('live')
  })
})

const reinvite = async (session: Session, body: ReturnType<typeof sdp>): Promise<string | undefined> => {
  const response = session.reinvite(body)
  await pass(clock, 100)
  const { code, body: answer } = await response
  expect(code).toBe(200)
  return answer?.content
}

describe('changes within a call', () => {
  test('another port and another codec: media follows, the stream goes on', async () => {
    const session = await live()
    const stream = theCall().info.publish!
    await reinvite(session, sdp(2, 'sendrecv', { port: 5000, codec: 'pcma' }))
    const [endpoint] = gateway.ports.opened
    expect(endpoint!.agreement).toMatchObject({ remote: { port: 5000 }, receives: [{ codec: 'pcma' }, {}] })
    const tracks = gateway.registry
      .find(stream)!
      .tracks.filter(({ derivedFrom }) => derivedFrom === undefined)
    expect(tracks.map(({ params }) => params.codec)).toContain('pcma')
    expect(gateway.registry.find(stream)!.state).toBe('ready')
  })

  test('by UPDATE', async () => {
    const session = await live()
    const response = session.update(sdp(2, 'sendonly'))
    await pass(clock, 100)
    expect((await response).code).toBe(200)
    expect(theCall().hold).toBe('by-them')
  })

  test('without an offer: ours is the one in force, with the same version', async () => {
    const session = await live()
    let offered = ''
    const response = session.reinvite(undefined, {}, offer => {
      offered = offer.content
      return sdp(2)
    })
    await pass(clock, 100)
    expect((await response).code).toBe(200)
    expect(directionOf(offered)).toBe('sendrecv')
    expect(theCall().state).toBe('live')
  })

  test('a fax is refused, and the call goes on', async () => {
    const session = await live()
    const content = `v=0\r\no=- 7 2 IN IP4 ${PEER}\r\ns=-\r\nc=IN IP4 ${PEER}\r\nt=0 0\r\nm=image 5004 udptl t38\r\n`
    const response = session.reinvite({ type: 'application/sdp', content })
    await pass(clock, 100)
    expect((await response).code).toBe(488)
    expect(theCall().state).toBe('live')
    expect(gateway.ports.size).toBe(1)
  })
})

describe('digits', () => {
  test('by INFO are events; a call that hears this one gets them', async () => {
    const session = await live()
    await live('8000')
    const response = session.info({ type: 'application/dtmf', content: '5' })
    await pass(clock, 300)
    expect((await response).code).toBe(200)
    const keyed = gateway.events.filter(event => event.type === 'call:dtmf')
    expect(keyed.map(({ digit, how }) => [digit, how])).toEqual([['5', 'info']])
    const listener = [...gateway.board.calls.values()].find(({ hearing }) => hearing.stream === 'calls/one')!
    const paced = listener.media.audio!.paced!
    expect(paced.digitWays).toContain('rfc4733')
  })

  test('in the sound of a call stay one press for a call that hears it as tones', async () => {
    const plain = sdp()
    const noEvents = { ...plain, content: plain.content.replace('RTP/AVP 0 101', 'RTP/AVP 0') }
    await live('2000')
    await live('8000', noEvents)
    const [caller, listener] = [...gateway.board.calls.values()]
    const paced = listener!.media.audio!.paced!
    expect(paced.digitWays).toEqual(['in-band'])
    const sent = vi.spyOn(paced, 'sendDigits')
    gateway.board.tell({ type: 'call:dtmf', call: caller!.info, digit: '5', how: 'inband' })
    expect(sent).not.toHaveBeenCalled()
    gateway.board.tell({ type: 'call:dtmf', call: caller!.info, digit: '5', how: 'rtp' })
    expect(sent).toHaveBeenCalledWith(['5'], 'in-band')
  })

  test('to the far side by INFO, one after the other', async () => {
    await live()
    const sent = sendDigits(theCall(), '1*', 'info')
    await pass(clock, 300)
    await sent
    expect(requests.map(({ body }) => body?.content)).toEqual([
      expect.stringContaining('Signal=1'),
      expect.stringContaining('Signal=*'),
    ])
  })
})

describe('pictures', () => {
  const video = () => sdp(1, 'sendrecv', { video: true })

  test('key frames are asked for by INFO where RTCP has no way, and given when INFO asks', async () => {
    let asked = 0
    gateway.publish('live/cam', { onKeyframeRequest: () => asked++ })
    const session = await live('1000', video())
    expect(theCall().info.media.map(({ codec }) => codec)).toEqual(['pcmu', 'h264'])
    const at = { payloadStart: 0, payloadEnd: 1, marker: true, key: true, head: true, arrival: clock.now() }
    gateway.videoWriter!.write({ ...at, bytes: Uint8Array.of(0x65), seq: 1, ts: 1 })
    await pass(clock, 1500, 50)
    const before = asked
    const response = session.info({
      type: 'application/media_control+xml',
      content:
        '<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>',
    })
    await pass(clock, 1500, 50)
    expect((await response).code).toBe(200)
    expect(asked).toBeGreaterThan(before)

    // Somebody watches the caller and wants a key frame.
    const stream = theCall().info.publish!
    expect(gateway.registry.find(stream)!.tracks.map(({ params }) => params.codec)).toEqual(['pcmu', 'h264'])
    theCall().media.ingest!.requestKeyframe()
    await pass(clock, 100)
    expect(requests.map(({ body }) => body?.type)).toEqual(['application/media_control+xml'])
  })
})

describe('transfers', () => {
  test('nobody may pass us on where no rule says so', async () => {
    const session = await live()
    const response = session.refer(`<sip:7@${PEER}>`)
    await pass(clock, 200)
    expect((await response).code).toBe(603)
    expect(incoming).toEqual([])
  })

  test.for([
    ['beyond the rule', `<sip:8@${PEER}>`, 603],
    ['beyond what may be called', '<sip:7@10.9.9.9>', 202],
  ] as const)('%s leads nowhere', async ([, target, code]) => {
    gateway.publish('live/cam')
    const session = await live('5000')
    const told: string[] = []
    session.listen({
      ended: end => ends.push(end),
      notify: each => {
        told.push(each.request.body?.content.trim() ?? '')
        each.reply(200)
      },
    })
    const response = session.refer(target)
    await pass(clock, 300)
    expect((await response).code).toBe(code)
    expect(incoming).toEqual([])
    expect(told).toEqual(code === 603 ? [] : ['SIP/2.0 100 Trying', 'SIP/2.0 603 Failed'])
    expect(theCall().state).toBe('live')
  })

  test('by a rule: the new call takes the place of the old one, and each step is told', async () => {
    const session = await live('5000')
    const { publish } = theCall().info
    const told: string[] = []
    session.listen({
      ended: end => ends.push(end),
      notify: each => {
        told.push(each.request.body?.content.trim() ?? '')
        each.reply(200)
      },
    })
    const response = session.refer(`<sip:7@${PEER}>`)
    await pass(clock, 200)
    expect((await response).code).toBe(202)
    incoming[0]!.progress(180)
    await pass(clock, 100)
    incoming[0]!.accept(sdp())!.listen({ ended: () => undefined })
    await pass(clock, 300)
    expect(told).toEqual(['SIP/2.0 100 Trying', 'SIP/2.0 180 Ringing', 'SIP/2.0 200 OK'])
    const calls = [...gateway.board.calls.values()]
    expect(calls.map(({ about, info }) => [about.direction, info.publish])).toEqual([['outbound', publish]])
    expect(gateway.registry.find(publish!)!.state).toBe('ready')
  })

  test.for([
    ['done', 'SIP/2.0 200 OK', true],
    ['busy', 'SIP/2.0 486 Busy Here', false],
  ] as const)('of ours: %s', async ([, fragment, done]) => {
    const session = await live()
    session.listen({
      ended: end => ends.push(end),
      refer: each => {
        each.reply(202)
        const say = (content: string, state: string) =>
          session.notify('refer', state, { body: { type: 'message/sipfrag', content: `${content}\r\n` } })
        void say('SIP/2.0 100 Trying', 'active;expires=60').then(() =>
          say(fragment, 'terminated;reason=noresource'),
        )
      },
    })
    const result = transferCall(theCall(), 'sip:7@example.org')
    await pass(clock, 300)
    expect(await result).toMatchObject({ done })
    expect(ends).toHaveLength(done ? 1 : 0)
    expect(typesOf()).toContain('call:transferred')
  })

  test('of ours that the far side does not try, or never tells of', async () => {
    const session = await live()
    const refused = transferCall(theCall(), 'sip:7@example.org').catch(
      (error: { code: string }) => error.code,
    )
    await pass(clock, 300)
    expect(await refused).toBe('refused')
    session.listen({ ended: end => ends.push(end), refer: each => each.reply(202) })
    const late = transferCall(theCall(), 'sip:7@example.org').catch((error: { code: string }) => error.code)
    await pass(clock, 6000, 50)
    expect(await late).toBe('timeout')
    expect(theCall().state).toBe('live')
  })
})

describe('a call of ours', () => {
  const dial = async (request: object = {}): Promise<Call> => {
    const made = await gateway.board.dial({ to: `sip:bob@${PEER}`, publish: 'out/bob', ...request })
    await pass(clock, 50)
    return made
  }
  const answered = (invite: IncomingInvite, body = sdp()): Session => {
    const session = invite.accept(body)!
    session.listen({ ended: end => ends.push(end) })
    return session
  }

  test('rings, is answered, joined and hung up with its reason', async () => {
    gateway.publish('live/cam')
    const made = await dial({ hear: 'live/cam' })
    incoming[0]!.progress(180)
    await pass(clock, 50)
    expect(made.state).toBe('ringing')
    answered(incoming[0]!)
    await pass(clock, 100)
    expect(made.state).toBe('live')
    expect(gateway.registry.find('out/bob')!.state).toBe('ready')
    expect(gateway.registry.find('live/cam')!.subscribers).toHaveLength(1)
    void made.end({ code: 0, by: 'us', detail: 'we close at six' })
    await pass(clock, 100)
    expect(ends[0]!.detail).toContain('we close at six')
    expect(gateway.registry.find('out/bob')).toBeUndefined()
  })

  test('is heard before the answer, whose description may be missing', async () => {
    const made = await dial()
    incoming[0]!.progress(183, { body: sdp() })
    await pass(clock, 50)
    expect(made.state).toBe('early')
    expect(gateway.registry.find('out/bob')!.state).toBe('ready')
    answered(incoming[0]!)
    await pass(clock, 100)
    expect(made.state).toBe('live')
  })

  test.for([
    ['busy', 486, 486],
    ['declined', 603, 603],
    ['unknown', 404, 404],
  ] as const)('%s', async ([, code, told]) => {
    const made = await dial()
    incoming[0]!.reject(code)
    await pass(clock, 100)
    expect(made.reason).toMatchObject({ code: told, by: 'them' })
    expect(gateway.ports.size).toBe(0)
  })

  test('that nobody answers is given up', async () => {
    const made = await dial()
    incoming[0]!.progress(180)
    await pass(clock, 21_000, 250)
    expect(made.reason).toMatchObject({ code: 408, by: 'us', detail: 'nobody answered within 20000 ms' })
    expect(incoming[0]!.state).toBe('cancelled')
  })

  test('is sent on by 302 as far as calls may lead there', async () => {
    await dial()
    incoming[0]!.reject(302, { headers: { Contact: `<sip:evil@10.9.9.9>, <sip:carol@${PEER}>` } })
    await pass(clock, 200)
    expect(incoming[1]!.request.uri.user).toBe('carol')
  })

  test('offers keys, and is tried again without when they are refused', async () => {
    const made = await dial()
    expect(incoming[0]!.offer!.content).toContain('a=crypto')
    incoming[0]!.reject(488)
    await pass(clock, 100)
    expect(incoming[1]!.offer!.content).not.toContain('a=crypto')
    answered(incoming[1]!)
    await pass(clock, 100)
    expect(made.state).toBe('live')
  })

  test('whose answer does not fit is hung up on', async () => {
    const made = await dial()
    const content = sdp().content.replace('RTP/AVP 0 101', 'RTP/AVP 3')
    answered(incoming[0]!, { type: 'application/sdp', content })
    await pass(clock, 200)
    expect(made.reason).toMatchObject({ code: 488, by: 'us' })
    expect(ends).toHaveLength(1)
  })

  test('may not lead where nobody said so', async () => {
    await expect(dial({ to: 'sip:bob@10.9.9.9' })).rejects.toMatchObject({ code: 'forbidden' })
    expect(gateway.ports.size).toBe(0)
  })

  test('ends with the gateway, and the far side is told', async () => {
    await dial()
    answered(incoming[0]!)
    await pass(clock, 100)
    const closed = gateway.close()
    await pass(clock, 1500)
    await closed
    expect(ends).toHaveLength(1)
    expect(gateway.ports.size).toBe(0)
  })
})
