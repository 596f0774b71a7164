/** The sender of the fan-out bench, in a process of its own so that one row's memory is not another's. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { loadNative } from '../../src/native/index.ts'
import type { FanTargetId, SrtpKeys, SrtpProfile, UdpSocket } from '../../src/native/types.ts'
import { createPair, handshake } from '../helpers/dtls-pair.ts'
import type { Row } from './bench.ts'

const PACKETS_PER_FRAME = 9
const PACKET_BYTES = 1200

const native = loadNative()

/** One frame of video, written anew for each round as a packetiser would: same sizes, running numbers. */
const createFrame = () => {
  const packets = Array.from({ length: PACKETS_PER_FRAME }, () => Buffer.alloc(PACKET_BYTES, 0x41))
  let sequence = 0
  let timestamp = 0
  const advance = () => {
    timestamp += 3000
    packets.forEach((packet, index) => {
      packet[0] = 0x80
      packet[1] = 96 | (index === PACKETS_PER_FRAME - 1 ? 0x80 : 0)
      packet.writeUInt16BE(sequence++ & 0xffff, 2)
      packet.writeUInt32BE(timestamp >>> 0, 4)
    })
  }
  return { packets, advance }
}

/** Keys as a handshake gives them; for AES-CM, which two ends of ours never agree on, the salts are two bytes longer. */
const keysFor = (profile: SrtpProfile, keys: SrtpKeys): SrtpKeys => {
  if (profile === keys.profile) return keys
  const longer = (salt: Uint8Array) => Buffer.concat([salt, Buffer.from([1, 2])])
  return { ...keys, profile, localSalt: longer(keys.localSalt), remoteSalt: longer(keys.remoteSalt) }
}

/** A viewer as the gateway holds it: its DTLS session, its SRTP context, its target. */
const addViewer = (
  socket: UdpSocket,
  fanOut: ReturnType<typeof native.createFanOut>,
  profile: SrtpProfile,
  port: number,
) => {
  const { server, client } = createPair()
  const keys = handshake(server, client).serverKeys!
  client.free()
  const srtp = native.createSrtp(keysFor(profile, keys))
  const id = fanOut.add({
    srtp,
    to: socket.intern('127.0.0.1', port),
    ssrc: port,
    payloadType: 102,
    sequenceOffset: port & 0x7fff,
    timestampOffset: port,
    extensions: new Uint8Array(),
  })
  const close = () => {
    server.free()
    srtp.free()
  }
  return { id, close }
}

const pairsOf = (targets: readonly FanTargetId[]): Int32Array => {
  const pairs = new Int32Array(targets.length * PACKETS_PER_FRAME * 2)
  let at = 0
  for (let packet = 0; packet < PACKETS_PER_FRAME; packet++) {
    for (const target of targets) {
      pairs[at++] = target
      pairs[at++] = packet
    }
  }
  return pairs
}

const startPeers = async (viewers: number) => {
  const child: ChildProcess = fork(join(import.meta.dirname, 'fanout-viewers-child.ts'), [String(viewers)])
  const [{ ports }] = (await once(child, 'message')) as [{ ports: number[] }]
  const stop = async (): Promise<number> => {
    const exited = once(child, 'exit')
    child.send('stop')
    const [{ received }] = (await once(child, 'message')) as [{ received: number }]
    await exited
    return received
  }
  return { ports, stop }
}

const measure = async (profile: SrtpProfile, viewers: number, seconds: number): Promise<Row> => {
  const peers = await startPeers(viewers)
  const socket = native.openUdp({ host: '127.0.0.1', port: 0 })
  const fanOut = native.createFanOut(socket)
  const frame = createFrame()
  globalThis.gc?.()
  const rssBefore = process.memoryUsage.rss()
  const members = peers.ports.map(port => addViewer(socket, fanOut, profile, port))
  const pairs = pairsOf(members.map(member => member.id))
  const round = () => {
    frame.advance()
    fanOut.send(frame.packets, PACKETS_PER_FRAME, pairs, pairs.length / 2)
  }
  for (let warmUp = 0; warmUp < 20; warmUp++) round()
  const rssBytesPerViewer = Math.round((process.memoryUsage.rss() - rssBefore) / viewers)
  const sentBefore = fanOut.stats().sent
  const cpuBefore = process.cpuUsage()
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) round()
  const { user, system } = process.cpuUsage(cpuBefore)
  const stats = fanOut.stats()
  const sent = stats.sent - sentBefore
  const received = await peers.stop()
  for (const member of members) member.close()
  socket.close()
  return {
    name: 'fanout',
    viewers,
    profile,
    packetsPerCpuSecond: Math.round(sent / ((user + system) / 1e6)),
    cpuMicrosPerPacket: Number(((user + system) / sent).toFixed(3)),
    rssBytesPerViewer,
    refusedByKernel: stats.refusedByKernel,
    receivedShare: Number((received / stats.sent).toFixed(3)),
    segmentation: String(stats.segmentation),
  }
}

const [profile, viewers, seconds] = process.argv.slice(2)
process.send?.(await measure(profile as SrtpProfile, Number(viewers), Number(seconds)))
process.disconnect()
