/**
 * Ten thousand steps in random order against a whole gateway: publishers and readers of every kind come, go, break,
 * are kicked, taken over and bridged, browsers come and go, and telephones call and are called. Whatever the order, every start has one end, and nothing is left behind.
 */
import { expect, test } from 'vitest'
import type { Session } from '../../src/adapters/sip/session.ts'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import type { Accept, CloseReason, Publication, Subscription, TrackWriter } from '../../src/core/types.ts'
import { GatewayError } from '../../src/errors.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { aac, h264, picture, sound, vp8 } from '../helpers/core-media.ts'
import { createEventGrammar } from '../helpers/event-grammar.ts'
import { settle } from '../helpers/manual-clock.ts'
import { type MemoryEgress, memoryEgress } from '../helpers/memory-egress.ts'
import { until } from '../helpers/program.ts'
import { createRandom, type Random } from '../helpers/random.ts'
import { activeResources } from '../helpers/resources.ts'
import { openRtmp, type RtmpSocket } from '../helpers/rtmp-socket.ts'
import { address, uri } from '../helpers/sip-peer.ts'
import { audio, listenAsPhone, openUserAgent } from '../helpers/sip-user-agent.ts'
import { strictLog } from '../helpers/strict-log.ts'
import { TestPeer } from '../helpers/webrtc-peer.ts'

const steps = 10_000
const names = ['alpha', 'beta', 'live/gamma', 'live/delta', 'room/1/epsilon']

interface Publisher {
  readonly publication: Publication
  readonly video: TrackWriter<'frame'> | undefined
  readonly audio: TrackWriter<'frame'> | undefined
  codec: typeof h264 | typeof vp8
  next: number
}

const accepts: readonly (readonly Accept[])[] = [
  [
    { kind: 'video', codec: 'h264', form: 'frame' },
    { kind: 'audio', codec: 'aac', form: 'frame' },
  ],
  [
    { kind: 'video', codec: 'h264', form: 'rtp', rtp: { maxPayload: 1200 } },
    { kind: 'video', codec: 'vp8', form: 'rtp', rtp: { maxPayload: 1200 } },
  ],
  [{ kind: 'audio', codec: 'aac', form: 'frame' }],
  [{ kind: 'audio', codec: 'opus', form: 'frame' }],
  [],
]
const reasons: readonly CloseReason[] = [
  { code: 'source-ended' },
  { code: 'source-lost', detail: 'its connection broke' },
  { code: 'unpublished' },
  { code: 'failed', detail: 'of itself' },
  { code: 'subscriber-left' },
]

/** Everything that may be going on, and the steps that change it. */
class Sessions {
  readonly publishers: Publisher[] = []
  readonly egresses: MemoryEgress[] = []
  readonly subscriptions: Subscription[] = []
  readonly sockets: RtmpSocket[] = []
  readonly fetches: AbortController[] = []
  readonly bridges: string[] = []
  /** Ways to give up a call of the telephone's. */
  readonly invites: { cancel(): void }[] = []
  readonly talks: Session[] = []
  /** Ways in which browsers leave. */
  readonly leaves: (() => Promise<unknown>)[] = []
  /** Steps that take their time. */
  readonly underWay = new Set<Promise<unknown>>()
  readonly unexpected: unknown[] = []
  readonly #gateway: Gateway
  readonly #phone: Signalling
  readonly #random: Random
  #count = 0

  constructor(gateway: Gateway, phone: Signalling, random: Random) {
    this.#gateway = gateway
    this.#phone = phone
    this.#random = random
  }

  step(): void {
    const [, act] = this.#choose()
    try {
      act()
    } catch (error) {
      this.#expect(error)
    }
  }

  /** One after the other, with whatever is still under way. */
  async end(): Promise<void> {
    for (const { publication } of this.publishers) void publication.close()
    for (const egress of this.egresses) void egress.close({ code: 'subscriber-left' })
    for (const abort of this.fetches) abort.abort()
    await Promise.all([...this.underWay])
    for (const socket of this.sockets) socket.close()
    for (const id of this.bridges) await this.#gateway.bridges.close(id)
    await Promise.all(this.leaves.map(leave => leave()))
    const { calls } = this.#gateway
    const running = (): readonly string[] =>
      calls.list().flatMap(({ id, state }) => (state === 'ended' ? [] : [id]))
    await Promise.all(running().map(id => calls.hangup(id).catch(error => this.#expect(error))))
    await until('calls end', () => running().length === 0)
  }

  readonly #weighted: readonly (readonly [number, () => void])[] = [
    [9, () => this.#publish()],
    [30, () => this.#write()],
    [3, () => this.#change()],
    [6, () => void this.#pick(this.publishers)?.publication.close(this.#pick(reasons))],
    [12, () => this.#subscribe()],
    [5, () => void this.#pick(this.subscriptions)?.close(this.#pick(reasons))],
    [3, () => void this.#pick(this.egresses)?.close(this.#pick(reasons))],
    [2, () => void this.#registry.kick(this.#name(), 'a random step')],
    [2, () => this.#kickReader()],
    [1, () => this.#standIn()],
    [2, () => this.#openSocket('publish')],
    [2, () => this.#openSocket('play')],
    [3, () => this.#breakSocket()],
    [2, () => this.#watchHttp()],
    [2, () => this.#pick(this.fetches)?.abort()],
    [1, () => this.#openBridge()],
    [1, () => this.#closeBridge()],
    [1, () => this.#run(this.#join(this.#pick(['whip', 'whep'])!))],
    [1, () => this.#leave()],
    [1, () => this.#callIn()],
    [1, () => this.#callOut()],
    [1, () => this.#pick(this.invites)?.cancel()],
    [1, () => this.#pick(this.talks)?.bye()],
    [1, () => this.#handleCall()],
  ]

  #choose(): readonly [number, () => void] {
    const total = this.#weighted.reduce((sum, [weight]) => sum + weight, 0)
    const at = this.#random(total)
    let sum = 0
    return this.#weighted.find(([weight]) => {
      sum += weight
      return at < sum
    })!
  }

  get #registry() {
    return this.#gateway.registry
  }
  #pick<T>(list: readonly T[]): T | undefined {
    return list[this.#random(list.length)]
  }
  #name(): string {
    return this.#pick(names)!
  }
  #chance(of: number): boolean {
    return this.#random(of) === 0
  }

  /** Refusals are answers; anything else is a fault. */
  #expect(error: unknown): void {
    if (!(error instanceof GatewayError) || error.code === 'internal') this.unexpected.push(error)
  }
  #run(work: Promise<unknown>): void {
    const done = work.catch(error => this.#expect(error)).finally(() => this.underWay.delete(done))
    this.underWay.add(done)
  }

  #publish(): void {
    const publication = this.#registry.publish(this.#name(), {
      label: `test ${this.#count++}`,
      onConflict: this.#pick(['reject', 'take-over', 'as-allowed'] as const)!,
      ...(this.#chance(3) ? {} : { credential: this.#pick(['one', 'other'])! }),
      ...(this.#chance(4) && { returns: false }),
    })
    const codec = this.#pick([h264, h264, vp8] as const)!
    const native = 'frame'
    const video = this.#chance(6) ? undefined : publication.addTrack({ id: 'video', native, params: codec })
    const audio = this.#chance(4) ? undefined : publication.addTrack({ id: 'audio', native, params: aac })
    this.#forget(this.publishers, 12)
    this.publishers.push({ publication, video, audio, codec, next: 0 })
    if (!this.#chance(8)) publication.ready()
  }

  #write(): void {
    const publisher = this.#pick(this.publishers)
    if (publisher === undefined) return
    for (let times = 1 + this.#random(5); times > 0; times--) {
      const i = publisher.next++
      publisher.video?.write(picture(i, publisher.codec, 5))
      publisher.audio?.write(sound(i))
    }
    if (this.#chance(10)) publisher.publication.ready()
  }

  #change(): void {
    const publisher = this.#pick(this.publishers)
    if (publisher === undefined) return
    publisher.codec = this.#pick([h264, vp8, { ...h264, size: { width: 640, height: 360 } }] as const)!
    publisher.video?.setParams(publisher.codec)
  }

  #subscribe(): void {
    const [breaksAt, opensSlowly, refuses] = [this.#random(200), this.#chance(5), this.#chance(12)]
    let units = 0
    const egress = memoryEgress({
      label: `reader ${this.#count++}`,
      accepts: this.#pick(accepts)!,
      takesLateTracks: this.#chance(2),
      retargets: this.#chance(2),
      onOpen: async () => {
        if (opensSlowly) await settle()
        if (refuses) throw new GatewayError('refused', 'a random step')
      },
      onUnit: () => {
        if (++units === breaksAt) throw new Error('a random fault of the reader')
      },
    })
    this.#forget(this.egresses, 60)
    this.egresses.push(egress)
    const options = { start: this.#pick(['live', 'last-gop'] as const)!, waitMs: this.#random(2) * 20 }
    this.#run(
      this.#registry.subscribe(this.#name(), egress, options).then(subscription => {
        this.#forget(this.subscriptions, 60)
        this.subscriptions.push(subscription)
      }),
    )
  }

  #kickReader(): void {
    const stream = this.#registry.find(this.#name())
    const reader = stream && this.#pick(stream.subscribers)
    if (reader !== undefined) this.#registry.kickSubscriber(stream!.name, reader.id, 'a random step')
  }

  #standIn(): void {
    const waiting = this.#registry.list().find(({ state }) => state === 'waiting')
    if (waiting === undefined) return
    const publication = this.#registry.standIn(waiting.name, 'stand-in')
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    this.publishers.push({ publication, video, audio: undefined, codec: h264, next: 0 })
  }

  #openSocket(purpose: 'publish' | 'play'): void {
    if (this.sockets.length > 30) this.sockets.shift()!.close()
    this.#run(this.#dialogue(purpose, this.#pick(names.filter(name => name.startsWith('live/')))!.slice(5)))
  }

  async #dialogue(purpose: 'publish' | 'play', key: string): Promise<void> {
    const socket = await openRtmp(this.#gateway.doors.get('rtmp')!.port)
    this.sockets.push(socket)
    socket.socket.on('error', () => undefined)
    await socket.start(purpose, 'live', key)
    if (purpose === 'play') return
    socket.sendMedia(9, avcHeader)
    for (let i = 0; i < 10; i++) socket.sendMedia(9, i % 5 === 0 ? keyPicture : otherPicture, i * 33)
  }

  #breakSocket(): void {
    const socket = this.#pick(this.sockets)
    if (this.#chance(2)) socket?.socket.resetAndDestroy()
    else socket?.close()
  }

  #watchHttp(): void {
    if (this.fetches.length > 30) this.fetches.shift()!.abort()
    const abort = new AbortController()
    this.fetches.push(abort)
    const url = `http://127.0.0.1:${this.#gateway.doors.get('http')!.port}/${this.#name()}.flv`
    const watch = fetch(url, { signal: abort.signal }).then(response => response.arrayBuffer())
    this.#run(watch.catch(() => undefined))
  }

  #openBridge(): void {
    if (this.bridges.length > 4) return
    const to = [
      `rtmp://127.0.0.1:${this.#gateway.doors.get('rtmp')!.port}/live/${this.#pick(['gamma', 'delta', 'omega'])}`,
    ]
    const resolveFile = (name: string): string => name
    const request = { from: `stream:${this.#name()}`, to, waitMs: 50, retry: this.#chance(2), resolveFile }
    if (this.#chance(2)) this.bridges.push(this.#gateway.bridges.start(request).id)
    else this.#run(this.#gateway.bridges.open(request).then(({ id }) => this.bridges.push(id)))
  }

  #closeBridge(): void {
    const id = this.bridges.shift()
    if (id !== undefined) this.#run(this.#gateway.bridges.close(id))
  }

  /** A browser that offers, and goes before it has connected. */
  async #join(way: 'whip' | 'whep'): Promise<void> {
    const peer = new TestPeer({ direction: way === 'whip' ? 'sendonly' : 'recvonly' })
    const origin = `http://127.0.0.1:${this.#gateway.doors.get('http')!.port}`
    const answer = await peer.post(`${origin}/${way}/${this.#name()}`)
    await answer.text()
    this.leaves.push(async () => {
      if (answer.ok) await (await fetch(origin + answer.headers.get('location'), { method: 'DELETE' })).text()
      await peer[Symbol.asyncDispose]()
    })
  }

  #leave(): void {
    const [leave] = this.leaves.splice(this.#random(Math.max(1, this.leaves.length)), 1)
    if (leave !== undefined) this.#run(leave())
  }

  #callIn(): void {
    const at = `127.0.0.1:${this.#gateway.doors.get('sip')!.port}`
    const called = this.#pick(['room', 'at-once', 'ready', 'nobody'])!
    const from = address('<sip:phone@127.0.0.1>')
    const events = {
      accepted: (session: Session) => {
        listenAsPhone(session)
        this.talks.push(session)
      },
      rejected: () => undefined,
    }
    this.invites.push(this.#phone.invite({ uri: uri(`sip:${called}@${at}`), from, body: audio() }, events))
  }

  #callOut(): void {
    const user = this.#pick(['ring', 'early', 'brief', 'talk'])!
    const to = `sip:${user}@127.0.0.1:${this.#phone.addresses[0]!.port}`
    const publish = this.#chance(2) ? this.#name() : `from/${this.#count++}`
    const hear = this.#pick([undefined, 'room/call', this.#name()])
    this.#run(this.#gateway.calls.dial({ to, publish, hear, ringMs: 200 }))
  }

  #handleCall(): void {
    const { calls } = this.#gateway
    const call = this.#pick(calls.list().filter(({ state }) => state !== 'ended'))
    if (call === undefined) return
    const ways = [
      () => calls.hangup(call.id),
      () => calls.hold(call.id),
      () => calls.unhold(call.id),
      () => calls.hear(call.id, this.#pick([undefined, 'room/call', this.#name()])),
    ]
    this.#run(this.#pick(ways)!())
  }

  /** Not all that ended is worth another look: the newest are. */
  #forget(list: { length: number; shift(): unknown }, most: number): void {
    while (list.length >= most)
      (list.shift() as Partial<MemoryEgress> & Partial<Publisher>).publication?.close()
  }
}

const avcHeader = Buffer.from(
  '17000000000142c00dffe10016' + '6742c00dd9014197f016a02020280000030008000003' + '01000468cb83cb',
  'hex',
)
const keyPicture = Buffer.from(`1701000000000000046588${'80'.repeat(2)}`, 'hex')
const otherPicture = Buffer.from(`2701000000000000044188${'80'.repeat(2)}`, 'hex')

test.each([1, 2])(`${steps} random session steps, seed %i`, { timeout: 120_000 }, async seed => {
  await settle()
  const before = activeResources()
  const errors: string[] = []
  const warnings: string[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', onWarning)
  const gateway = await createGateway(
    {
      rtmp: { listen: '127.0.0.1:0' },
      http: { listen: '127.0.0.1:0' },
      webrtc: { listen: '127.0.0.1:0' },
      transcode: { enabled: false },
      streams: { graceMs: 30, takeOverAfterMs: 5 },
      sip: {
        listen: '127.0.0.1:0',
        limits: { newCallsPerSource: 10_000, refusalsPerSource: 10_000 },
        timeouts: { hearMs: 50, silenceMs: 300, heldSilenceMs: 300 },
        routes: [
          { called: 'room', from: 'loopback', publish: 'room/call', hear: 'room/call', answer: 'at-once' },
          { called: 'at-once', from: 'loopback', publish: '{callId}', hear: 'room/call', answer: 'at-once' },
          { called: 'ready', from: 'loopback', publish: '{callId}', hear: 'live/gamma' },
        ],
        outbound: { domains: ['127.0.0.1'] },
      },
    },
    { log: strictLog(errors) },
  )
  const grammar = createEventGrammar()
  gateway.events.on(event => grammar.take(event))
  const random = createRandom(seed)
  const phone = await openUserAgent()
  const sessions = new Sessions(gateway, phone, random)
  for (let step = 0; step < steps; step++) {
    sessions.step()
    if (random(3) === 0) await settle()
    if (random(100) === 0) await new Promise(resolve => setTimeout(resolve, random(50)))
    expect(grammar.violations).toEqual([])
  }
  await sessions.end()
  await until(
    () => `all streams end: ${gateway.registry.list().map(({ name, state }) => `${name} ${state}`)}`,
    () => gateway.registry.list().length === 0,
  )
  await until(
    () => `everything ends: ${grammar.open()}`,
    () => grammar.open().length === 0,
  )
  await gateway.close({ code: 'shutdown' })
  await phone.close(0)
  process.off('warning', onWarning)
  expect({ errors, warnings, violations: grammar.violations, unexpected: sessions.unexpected }).toEqual({
    errors: [],
    warnings: [],
    violations: [],
    unexpected: [],
  })
  for (const type of [
    'stream:ready',
    'stream:waiting',
    'stream:resumed',
    'subscriber:joined',
    'bridge:opened',
    'call:answered',
    'call:ended',
  ])
    expect(grammar.counts.get(type), type).toBeGreaterThan(5)
  await until(
    () => `all is given back: ${JSON.stringify(activeResources())}`,
    () => {
      const now = activeResources()
      return Object.entries(now).every(
        ([kind, count]) => count <= (before[kind] ?? 0) + (kind === 'Timeout' ? 1 : 0),
      )
    },
  )
})
