/**
 * The honest checks of the UDP port, each attacked on a running session: whatever a stranger or a broken peer sends,
 * it is not accepted, and the honest session goes on.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { classes, Message, methods } from 'werift'
import { loadNative } from '../../../src/native/index.ts'
import { type CollectingEgress, collectPackets } from '../../helpers/collecting-egress.ts'
import { startWebRtcGateway, type WebRtcGateway } from '../../helpers/webrtc-gateway.ts'
import { rtpBytes, TestPeer, until, VIDEO_PT } from '../../helpers/webrtc-peer.ts'

const SSRC = 0x1234
const payload = Buffer.from([0x65, 0x88, 2, 3, 4, 5, 6, 7])

let gateway: WebRtcGateway
let peer: TestPeer
let collected: CollectingEgress
let seq = 100

const next = (): Buffer =>
  rtpBytes({ ssrc: SSRC, seq: seq++, ts: seq * 3000, pt: VIDEO_PT, marker: true, payload })

/** A publisher that is connected and whose packets arrive. */
beforeEach(async () => {
  gateway = await startWebRtcGateway()
  peer = new TestPeer({ direction: 'sendonly' })
  expect((await peer.post(`${gateway.origin}/whip/live/a`)).status).toBe(201)
  await peer.connect()
  expect(peer.dtlsState).toBe('connected')
  collected = await collectPackets(gateway.registry, 'live/a')
  await expectAlive()
})
afterEach(async () => {
  await peer[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

/** A further packet of the honest publisher arrives. */
const expectAlive = async (): Promise<void> => {
  const before = collected.packets.length
  const bytes = next()
  peer.sendRtp(bytes)
  await until('the honest packet', () => collected.packets.length > before)
  expect(collected.packets.at(-1)!.seq & 0xffff).toBe(bytes.readUInt16BE(2))
}
/** Sends, and then an honest packet behind it: when that has arrived the attack has been read. */
const attack = async (
  ...datagrams: (readonly [socket: TestPeer['socket'], bytes: Uint8Array])[]
): Promise<void> => {
  const before = collected.packets.length
  for (const [socket, bytes] of datagrams) peer.sendFrom(socket, bytes)
  await expectAlive()
  expect(collected.packets.length).toBe(before + 1)
}
const stranger = (): TestPeer['socket'] => peer.openSocket()
const clientHello = (): Uint8Array => {
  const fingerprints = [{ algorithm: 'sha-256', value: new Array(32).fill('AA').join(':') }]
  const certificate = loadNative().createCertificate()
  return loadNative().createDtls({ certificate, role: 'client', fingerprints }).start().out[0]!
}

describe('STUN', () => {
  const silent = async (bytes: Uint8Array, socket = stranger()): Promise<void> => {
    const before = peer.stunResponses.length
    await attack([socket, bytes])
    expect(peer.stunResponses.length).toBe(before)
    // Media from there is a stranger's still: it would otherwise be taken.
    await attack([socket, peer.protect(next())])
  }

  test('a wrong password is not answered', () => silent(peer.checkBytes({ password: 'x'.repeat(32) })))
  test('the own password of the peer is not ours', () => silent(peer.checkBytes({ password: peer.pwd })))
  test('a wrong peer ufrag is not answered', () =>
    silent(peer.checkBytes({ username: `${peer.remoteUfrag}:wrong` })))
  test('a ufrag of no session is not answered', () =>
    silent(peer.checkBytes({ username: `nobody:${peer.ufrag}` })))
  test('a missing MESSAGE-INTEGRITY is not answered', () => {
    const message = new Message(methods.BINDING, classes.REQUEST)
    message.setAttribute('USERNAME', `${peer.remoteUfrag}:${peer.ufrag}`).setAttribute('USE-CANDIDATE', null)
    return silent(message.addFingerprint().bytes)
  })
  test('any flipped bit is not answered', async () => {
    const good = peer.checkBytes()
    const socket = stranger()
    const before = peer.stunResponses.length
    for (let bit = 0; bit < (good.length - 8) * 8; bit += 3) {
      const flipped = Buffer.from(good)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      peer.sendFrom(socket, flipped)
    }
    await attack()
    expect(peer.stunResponses.length).toBe(before)
  })
  test('a stranger cannot nominate itself: what we send still goes to the honest address', async () => {
    const socket = stranger()
    await silent(peer.checkBytes({ password: 'x'.repeat(32), useCandidate: true }), socket)
    const before = peer.received('receiver-report').length
    await until('a report to the honest address', () => peer.received('receiver-report').length > before)
  })
  test('the peer itself may move: a check from a new address takes effect at once', async () => {
    const socket = peer.openSocket()
    await peer.check({ socket })
    const before = collected.packets.length
    peer.sendFrom(socket, peer.protect(next()))
    await until('media from the new address', () => collected.packets.length === before + 1)
    await expectAlive()
  })
  test('a flood from many addresses grows nothing and disturbs nobody', async () => {
    for (let i = 0; i < 300; i++)
      peer.sendFrom(peer.openSocket(), peer.checkBytes({ password: 'x'.repeat(32) }))
    await expectAlive()
  })
})

describe('DTLS', () => {
  test('a ClientHello from a third address changes nothing', () => attack([stranger(), clientHello()]))
  test('a ClientHello from the honest address changes nothing', () => attack([peer.socket, clientHello()]))
  test('a plaintext alert changes nothing, wherever it comes from', () => {
    const alert = Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0])
    const fatal = Buffer.from([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40])
    return attack([stranger(), alert], [peer.socket, alert], [stranger(), fatal], [peer.socket, fatal])
  })
  test('noise of every kind changes nothing', async () => {
    const socket = stranger()
    const noise = (first: number): Buffer =>
      Buffer.from(Array.from({ length: 60 }, (_, i) => (i === 0 ? first : (i * 37 + first) & 255)))
    for (let first = 0; first < 256; first++) {
      peer.sendFrom(socket, noise(first))
      peer.sendFrom(peer.socket, noise(first))
    }
    await expectAlive()
  })

  test('a certificate that is not the one of the offer gets no keys, and the session is closed', async () => {
    const other = loadNative().createCertificate().fingerprintSha256
    await using liar = new TestPeer({ direction: 'sendonly', fingerprint: other })
    await liar.post(`${gateway.origin}/whip/live/b`)
    await liar.check()
    liar.shakeHands()
    await until('the refusal', () =>
      gateway.log.some(({ message }) => message.includes('does not match the fingerprint')),
    )
    expect(liar.srtp).toBeUndefined()
    expect(gateway.registry.find('live/b')).toBeUndefined()
    await expectAlive()
  })
  test('DTLS before any check is not answered', async () => {
    await using early = new TestPeer({ direction: 'sendonly' })
    await early.post(`${gateway.origin}/whip/live/b`)
    for (const datagram of early.dtls.start().out) early.send(datagram)
    await expectAlive()
    expect(early.dtlsState).toBe('handshaking')
  })
  test('close_notify of the peer ends its session and frees the name', async () => {
    peer.closeDtls()
    await until('the end of the stream', () => gateway.registry.find('live/a') === undefined)
  })
})

describe('SRTP', () => {
  test('any flipped bit is refused', async () => {
    const good = peer.protect(next())
    const socket = peer.socket
    for (let bit = 0; bit < good.length * 8; bit++) {
      const flipped = Buffer.from(good)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      peer.sendFrom(socket, flipped)
    }
    await attack()
  })
  test('a packet that came before is refused', async () => {
    const bytes = peer.protect(next())
    peer.send(bytes)
    await expectAlive()
    await attack([peer.socket, bytes], [peer.socket, bytes])
  })
  test('packets under another key are refused', async () => {
    await using other = new TestPeer({ direction: 'sendonly' })
    await other.post(`${gateway.origin}/whip/live/b`)
    await other.connect()
    await attack([peer.socket, other.protect(next())])
  })
  test('good packets from an address that was never checked are refused', () =>
    attack([stranger(), peer.protect(next())]))
  test('a session cannot take the address of another', async () => {
    await using thief = new TestPeer({ direction: 'sendonly' })
    await thief.post(`${gateway.origin}/whip/live/b`)
    const before = peer.stunResponses.length
    await attack([peer.socket, thief.checkBytes()])
    expect(peer.stunResponses.length).toBe(before)
  })
  test('an encrypted BYE with a flipped bit is refused', async () => {
    await attack([
      peer.socket,
      Buffer.from([0x81, 203, 0, 1, 0, 0, 0x12, 0x34, 0x80, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ])
  })
})
