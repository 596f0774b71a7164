/** RTP Bleed: who sprays packets at an open port gets nothing in and nothing back, on real sockets. */
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../src/core/clock.ts'
import { createTrackClock } from '../../../../src/core/track-clock.ts'
import { createRtpStreamState, readRtpPacket } from '../../../../src/media/rtp/packet.ts'
import { until } from '../../../helpers/program.ts'
import { agreement, openTestEndpoint, type TestEndpoint } from '../../../helpers/rtp-endpoint.ts'
import { openRtpPeer, type RtpPeer, rtpPacket } from '../../../helpers/rtp-peer.ts'

/** All of 127.0.0.0/8 is this machine: each is another host to the endpoint. */
const HONEST = '127.0.0.10'
const STRANGER = '127.0.0.66'
const HIDDEN = '192.168.77.7'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const peerOf = async (ip: string): Promise<RtpPeer> => {
  const peer = await openRtpPeer(ip)
  closing.push(() => peer[Symbol.asyncDispose]())
  return peer
}
const endpointOf = (options: Parameters<typeof openTestEndpoint>[0] = {}): TestEndpoint => {
  const made = openTestEndpoint({ reportEveryUs: 50_000, keepAliveUs: 20_000, ...options })
  closing.push(() => made.ports.close(''))
  return made
}

/** Media of ours at the pace of a call, so that whoever were sent anything would get it. */
const speak = ({ endpoint }: TestEndpoint): void => {
  const clock = createTrackClock(8000, { originWall: undefined }, { offset: undefined })
  clock.anchor({ ts: 0, wall: systemClock.wall(), from: 'arrival' })
  const outgoing = endpoint.send({ clock, clockRate: 8000, payloadType: 0 })
  const state = createRtpStreamState('pcmu')
  let seq = 0
  const timer = setInterval(
    () => outgoing.write(readRtpPacket(rtpPacket({ seq: seq++ }), systemClock.now(), state)!),
    10,
  )
  closing.push(() => clearInterval(timer))
}

/** Everything that may look like media and reports, with guessed and stolen SSRCs. */
const spray = (stranger: RtpPeer, { endpoint }: TestEndpoint, ssrcs: readonly number[]): { sent: number } => {
  const count = { sent: 0 }
  const timer = setInterval(() => {
    for (const ssrc of ssrcs) {
      const seq = count.sent++
      void stranger.send(endpoint.port, rtpPacket({ seq, ssrc, payload: Buffer.alloc(160, 0xee) }))
      void stranger.sendRtcp(endpoint.rtcpPort, [{ type: 'receiver-report', ssrc, blocks: [] }])
      void stranger.sendRtcp(endpoint.port, [{ type: 'bye', ssrcs: [ssrc], reason: 'sprayed' }])
    }
  }, 2)
  closing.push(() => clearInterval(timer))
  return count
}

const talk = (honest: RtpPeer, { endpoint }: TestEndpoint, from = 100): { sent: number } => {
  const count = { sent: 0 }
  const timer = setInterval(
    () =>
      void honest.send(
        endpoint.port,
        rtpPacket({ seq: from + count.sent++, ssrc: 7, payload: Buffer.alloc(160, 0xaa) }),
      ),
    10,
  )
  closing.push(() => clearInterval(timer))
  return count
}

const onlyHonest = (test: TestEndpoint): void => {
  expect(test.payloads().length).toBeGreaterThan(0)
  expect(new Set(test.payloads())).toEqual(new Set([0xaa]))
  expect(test.byes).toEqual([])
}

describe.each([
  ['an address that cannot be reached', { address: HIDDEN, port: 4000, signalling: HONEST }],
  ['no address', { address: '0.0.0.0', port: 4000, signalling: HONEST }],
])('%s is described', (_what, remote) => {
  test('a sprayer before, during and after the set-up wins nothing; the late honest sender is heard and answered', async () => {
    const endpoint = endpointOf()
    const [honest, stranger] = [await peerOf(HONEST), await peerOf(STRANGER)]
    const count = spray(stranger, endpoint, [1, 7, 0xffffffff])
    await until('sprayed before', () => count.sent > 60)
    endpoint.endpoint.agree(agreement({ remote, latch: 'auto' }))
    speak(endpoint)
    await until('sprayed during', () => count.sent > 500)
    expect(endpoint.packets).toEqual([])
    talk(honest, endpoint)
    await until('the honest one is answered', () => honest.rtp.length > 10 && endpoint.packets.length > 10)
    await until('sprayed after', () => count.sent > 1500)
    onlyHonest(endpoint)
    expect(stranger.got).toEqual([])
    expect(endpoint.endpoint.stats).toMatchObject({
      latched: true,
      source: { ip: HONEST, port: honest.port },
    })
    expect(endpoint.endpoint.stats.strangers).toBeGreaterThan(500)
    expect(endpoint.strangers[0]!.from).toEqual({ ip: STRANGER, port: stranger.port })
    expect(endpoint.strangers.length).toBeLessThan(30)
  })
})

describe('a usable address is described', () => {
  test.each(['off', 'auto'] as const)('latch=%s: nobody else is heard or sent to', async latch => {
    const endpoint = endpointOf()
    const [honest, stranger] = [await peerOf(HONEST), await peerOf(STRANGER)]
    endpoint.endpoint.agree(
      agreement({ remote: { address: HONEST, port: honest.port, signalling: HONEST }, latch }),
    )
    const count = spray(stranger, endpoint, [1, 7])
    speak(endpoint)
    await until('sprayed', () => count.sent > 300)
    talk(honest, endpoint)
    await until('heard', () => endpoint.packets.length > 10)
    onlyHonest(endpoint)
    expect(stranger.got).toEqual([])
    expect(honest.rtp.length).toBeGreaterThan(10)
    expect(endpoint.endpoint.stats.latched).toBe(false)
  })
})

describe('nothing is described', () => {
  test('the first sender stays the source, beside any number of others', async () => {
    const endpoint = endpointOf()
    const [honest, stranger] = [await peerOf(HONEST), await peerOf(STRANGER)]
    endpoint.endpoint.agree(agreement())
    talk(honest, endpoint)
    await until('heard', () => endpoint.packets.length > 2)
    const count = spray(stranger, endpoint, [1, 7])
    await until('sprayed', () => count.sent > 600)
    onlyHonest(endpoint)
    expect(stranger.got).toEqual([])
  })

  test('an allow-list keeps all others out, from the first packet on', async () => {
    const endpoint = endpointOf({ allows: ip => ip === HONEST })
    const [honest, stranger] = [await peerOf(HONEST), await peerOf(STRANGER)]
    endpoint.endpoint.agree(agreement())
    const count = spray(stranger, endpoint, [1])
    await until('sprayed', () => count.sent > 100)
    talk(honest, endpoint)
    await until('heard', () => endpoint.packets.length > 5)
    onlyHonest(endpoint)
    expect(stranger.got).toEqual([])
    expect(endpoint.endpoint.stats.refused).toBeGreaterThan(50)
  })
})
