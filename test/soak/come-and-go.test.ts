/** Five hundred publishers and five hundred viewers are all there at once, and go: nothing of them is left behind. */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { flvPicture, openingMessages } from '../helpers/honest-stream.ts'
import { until } from '../helpers/program.ts'
import { activeResources, childrenOf, heapInUse, openDescriptors } from '../helpers/resources.ts'
import { openRtmp } from '../helpers/rtmp-socket.ts'
import { strictLog } from '../helpers/strict-log.ts'
import { rtpBytes, TestPeer, VIDEO_PT } from '../helpers/webrtc-peer.ts'

const all = 500
/** So many come at a time. */
const together = 25
/** For each that came: less than a session has, more than the log of events keeps of it. */
const mayKeepBytes = 2 * all * 5_000

let gateway: Gateway
const faults: string[] = []

beforeAll(async () => {
  const config = {
    http: { listen: '127.0.0.1:0' },
    rtmp: { listen: '127.0.0.1:0', maxConnections: 2 * all },
    webrtc: { listen: '127.0.0.1:0' },
    streams: { graceMs: 0 },
    transcode: { enabled: false },
  }
  gateway = await createGateway(config, { log: strictLog(faults) })
})
afterAll(() => gateway.close())

const portOf = (door: string): number => gateway.doors.get(door)!.port
const origin = (): string => `http://127.0.0.1:${portOf('http')}`

/** Leaves; half of them without a word. */
type Leave = () => unknown

const joinRtmp = async (purpose: 'publish' | 'play', name: number): Promise<Leave> => {
  const client = await openRtmp(portOf('rtmp'))
  await client.start(purpose, 'live', String(name))
  expect(client.isClosed()).toBe(false)
  if (purpose === 'publish') {
    for (const [type, body] of openingMessages) client.sendMedia(type, body)
    client.sendMedia(9, flvPicture(name, true))
  }
  return () => (name % 2 === 0 ? client.close() : client.socket.resetAndDestroy())
}

const joinWebRtc = async (purpose: 'whip' | 'whep', name: number): Promise<Leave> => {
  const peer = new TestPeer({ direction: purpose === 'whip' ? 'sendonly' : 'recvonly' })
  const answer = await peer.post(`${origin()}/${purpose}/live/${name}`)
  await answer.text()
  expect(answer.status).toBe(201)
  await peer.connect()
  const payload = Buffer.from([0x65, 0x88, 1, 2])
  if (purpose === 'whip')
    peer.sendRtp(rtpBytes({ ssrc: 1, seq: 1, ts: 3000, pt: VIDEO_PT, marker: true, payload }))
  return async () => {
    if (name % 20 === 0) peer.closeDtls()
    else await (await fetch(origin() + answer.headers.get('location'), { method: 'DELETE' })).text()
    await peer[Symbol.asyncDispose]()
  }
}

const joinHttp = async (name: number): Promise<Leave> => {
  const socket = connect(portOf('http'), '127.0.0.1')
  let said = ''
  socket.on('data', bytes => {
    said += bytes.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.write(`GET /live/${name}.flv HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
  await until(
    () => `a stream comes, not ${said.slice(0, 200)}`,
    () => said.startsWith('HTTP/1.1 200') && said.includes('FLV'),
  )
  return () => socket.destroy()
}

const isReady = (name: number): boolean => gateway.registry.find(`live/${name}`)?.state === 'ready'

/** A publisher and its viewer: of ten, one comes by WebRTC and is watched so; another is watched so; half by HTTP. */
const joinPair = async (name: number): Promise<readonly Leave[]> => {
  const whip = name % 10 === 0
  const publisher = whip ? await joinWebRtc('whip', name) : await joinRtmp('publish', name)
  await until(`${name} is ready`, () => isReady(name))
  if (name % 5 === 0) return [publisher, await joinWebRtc('whep', name)]
  return [publisher, name % 2 === 0 ? await joinHttp(name) : await joinRtmp('play', name)]
}

const round = async (count: number): Promise<void> => {
  const leaves: Leave[] = []
  for (let first = 0; first < count; first += together) {
    const names = Array.from({ length: together }, (_, i) => first + i)
    leaves.push(...(await Promise.all(names.map(joinPair))).flat())
  }
  const streams = gateway.registry.list()
  expect(streams).toHaveLength(count)
  expect(streams.flatMap(({ subscribers }) => subscribers)).toHaveLength(count)
  for (const leave of leaves) await leave()
  await until(
    () => `all streams end: ${gateway.registry.list().map(({ name }) => name)}`,
    () => gateway.registry.list().length === 0,
  )
}

const held = () => ({ ...activeResources(), descriptors: openDescriptors() })

test(`${all} publishers and ${all} viewers`, { timeout: 120_000 }, async () => {
  // What is made once, whoever comes first, is made now.
  await round(4 * together)
  await until('connections end', () => activeResources().TCPSocketWrap === undefined)
  const [before, heap] = [held(), heapInUse()]
  await round(all)
  await until(
    () => `all is given back: before ${JSON.stringify(before)}, now ${JSON.stringify(held())}`,
    () =>
      Object.entries(held()).every(([kind, number]) => number <= (before[kind as keyof typeof before] ?? 0)),
  )
  expect(heapInUse() - heap).toBeLessThan(mayKeepBytes)
  expect(childrenOf()).toEqual([])
  expect(faults).toEqual([])
})
