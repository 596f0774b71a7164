/** One contract, two fan-outs: the addon's (batched, GSO) and the plain one over either socket. */
import { afterEach, describe, expect, test } from 'vitest'
import { openDgramUdp } from '../../../src/native/dgram-udp.ts'
import { loadNative } from '../../../src/native/index.ts'
import { createPlainFanOut } from '../../../src/native/plain-fan-out.ts'
import type { FanOut, FanTarget, FanTargetId, SrtpContext, UdpSocket } from '../../../src/native/types.ts'
import { otherEnd, PROFILES, randomKeys, rtp } from '../../helpers/srtp-pair.ts'

const native = loadNative()
const opened: UdpSocket[] = []
const open = (openUdp = native.openUdp, receiveBufferBytes = 4 << 20): UdpSocket => {
  const socket = openUdp({ host: '127.0.0.1', port: 0, receiveBufferBytes })
  opened.push(socket)
  return socket
}
afterEach(() => opened.splice(0).forEach(socket => void socket.close()))

interface Viewer {
  readonly id: FanTargetId
  readonly target: FanTarget
  readonly decrypt: SrtpContext
  /** Decrypted packets in the order they came, or the negative code. */
  readonly received: (Buffer | number)[]
}

const setup = (openUdp: typeof native.openUdp, create: (socket: UdpSocket) => FanOut) => {
  const socket = open(openUdp)
  const fanOut = create(socket)
  const addViewer = (overrides: Partial<FanTarget> = {}, profile = PROFILES[0]!): Viewer => {
    const keys = randomKeys(profile)
    const decrypt = native.createSrtp(otherEnd(keys))
    const peer = open()
    const received: (Buffer | number)[] = []
    peer.onBatch(batch => {
      for (let i = 0; i < batch.count; i++) {
        const [start, length] = [batch.offsets[i]!, batch.lengths[i]!]
        const plain = decrypt.unprotectRtp(batch.slab, start, length)
        received.push(plain < 0 ? plain : Buffer.from(batch.slab.subarray(start, start + plain)))
      }
    })
    const target: FanTarget = {
      srtp: native.createSrtp(keys),
      to: socket.intern('127.0.0.1', peer.port),
      ssrc: 0x1000_0000 + peer.port,
      payloadType: 102,
      sequenceOffset: 100,
      timestampOffset: 5000,
      extensions: new Uint8Array(),
      ...overrides,
    }
    return { id: fanOut.add(target), target, decrypt, received }
  }
  const send = (packets: readonly Uint8Array[], couples: readonly (readonly [number, number])[]): number =>
    fanOut.send(packets, packets.length, Int32Array.from(couples.flat()), couples.length)
  return { socket, fanOut, addViewer, send }
}

const payloads = (count: number, size: (index: number) => number): Buffer[] =>
  Array.from({ length: count }, (_, index) => rtp(1000 + index, Buffer.alloc(size(index), index)))
const sequences = (viewer: Viewer): (number | string)[] =>
  viewer.received.map(packet => (typeof packet === 'number' ? `code ${packet}` : packet.readUInt16BE(2)))
const everyPair = (viewers: readonly Viewer[], packets: number): [number, number][] =>
  Array.from({ length: packets }, (_, packet) =>
    viewers.map(({ id }): [number, number] => [id, packet]),
  ).flat()

describe.each([
  ['the addon', native.openUdp, native.createFanOut],
  ['plain over the addon’s socket', native.openUdp, createPlainFanOut],
  ['plain over node:dgram', openDgramUdp, createPlainFanOut],
] as const)('%s', (_, openUdp, create) => {
  test.each(PROFILES)(
    '%s: header rewritten, marker and payload kept, encrypted per viewer',
    async profile => {
      const { addViewer, send } = setup(openUdp, create)
      const extensions = Buffer.from('bede000130aa0000', 'hex')
      const plain = addViewer({}, profile)
      const extended = addViewer(
        { extensions, ssrc: 7, sequenceOffset: 0xffff, timestampOffset: 0xffff_ffff },
        profile,
      )
      const packet = rtp(0, Buffer.from('payload'), 1, 0)
      packet[1]! |= 0x80
      expect(
        send(
          [packet],
          [
            [plain.id, 0],
            [extended.id, 0],
          ],
        ),
      ).toBe(2)
      await expect.poll(() => plain.received.length + extended.received.length).toBe(2)
      const ours = rtp(100, Buffer.from('payload'), plain.target.ssrc, 5000)
      ours[1] = 0x80 | 102
      expect(plain.received).toEqual([ours])
      const theirs = extended.received[0] as Buffer
      expect(theirs.subarray(0, 12).toString('hex')).toBe('90e6ffffffffffff00000007')
      expect(theirs.subarray(12)).toEqual(Buffer.concat([extensions, Buffer.from('payload')]))
    },
  )

  test('the source’s CSRCs, extension and padding stay behind, and its bytes are not written', async () => {
    const { addViewer, send } = setup(openUdp, create)
    const viewer = addViewer()
    const parts = [
      'b2e60001',
      '00000002',
      '00000003',
      '00000004',
      '00000005',
      'bede0001',
      '10aa0000',
      '61626364',
      '00000004',
    ]
    const packet = Buffer.from(parts.join(''), 'hex')
    const before = Buffer.from(packet)
    send([packet], [[viewer.id, 0]])
    await expect.poll(() => viewer.received.length).toBe(1)
    expect((viewer.received[0] as Buffer)[0]).toBe(0x80)
    expect((viewer.received[0] as Buffer).subarray(12).toString()).toBe('abcd')
    expect(packet).toEqual(before)
  })

  test('many viewers, packets in order for each, whatever the order of the pairs', async () => {
    const { addViewer, send } = setup(openUdp, create)
    const viewers = Array.from({ length: 20 }, (_, index) => addViewer({}, PROFILES[index % 2]!))
    const sizes = [1200, 1200, 1200, 300, 1200, 1, 0, 1200, 1200, 40]
    const packets = payloads(10, index => sizes[index]!)
    expect(send(packets, everyPair(viewers, 10))).toBe(200)
    for (const viewer of viewers) {
      await expect.poll(() => viewer.received.length).toBe(10)
      expect(sequences(viewer)).toEqual(Array.from({ length: 10 }, (_, index) => 1100 + index))
      expect(viewer.received.map(packet => (packet as Buffer).length - 12)).toEqual(sizes)
    }
  })

  test('far more than one system call can take at once', async () => {
    const { addViewer, send, fanOut } = setup(openUdp, create)
    const viewers = Array.from({ length: 3 }, () => addViewer())
    const packets = payloads(700, index => (index % 100 === 99 ? 100 : 1100))
    expect(send(packets, everyPair(viewers, 700))).toBe(2100)
    for (const viewer of viewers) {
      await expect.poll(() => viewer.received.length).toBe(700)
      expect(sequences(viewer)).toEqual(Array.from({ length: 700 }, (_, index) => 1100 + index))
    }
    expect(fanOut.stats()).toMatchObject({ sent: 2100, refusedByKernel: 0 })
  })

  test('a packet sent again gives the same bytes, another under its number is refused and counted', async () => {
    const { addViewer, send, fanOut } = setup(openUdp, create)
    const viewer = addViewer()
    const [packet, other] = [rtp(1, Buffer.from('one')), rtp(1, Buffer.from('two'))]
    expect(
      send(
        [packet, other],
        [
          [viewer.id, 0],
          [viewer.id, 0],
          [viewer.id, 1],
        ],
      ),
    ).toBe(2)
    await expect.poll(() => viewer.received.length).toBe(2)
    expect(sequences(viewer)).toEqual([101, 'code -3'])
    expect(fanOut.stats().refusedReuse).toBe(1)
  })

  test('what is no packet, no target and no index is skipped and counted, the rest leaves', async () => {
    const { addViewer, send, fanOut } = setup(openUdp, create)
    const [viewer, gone] = [addViewer(), addViewer()]
    fanOut.remove(gone.id)
    fanOut.remove(gone.id)
    fanOut.remove(99_999)
    const csrcs = rtp(2, Buffer.alloc(8))
    csrcs[0] = 0x8f
    const extension = rtp(3, Buffer.from([0xbe, 0xde, 0, 9, 1, 2, 3, 4]))
    extension[0] = 0x90
    const padding = rtp(4, Buffer.from([1, 2, 200]))
    padding[0] = 0xa0
    const version = rtp(5, Buffer.alloc(8))
    version[0] = 0x40
    const packets = [
      rtp(1, Buffer.from('x')),
      csrcs,
      extension,
      padding,
      version,
      Buffer.alloc(0),
      Buffer.alloc(11, 0x80),
    ]
    const mixed = [...packets, 'text', null, new Int32Array(20)] as unknown as Uint8Array[]
    const couples: [number, number][] = [
      ...mixed.map((_, index): [number, number] => [viewer.id, index]),
      [viewer.id, -1],
      [viewer.id, 10],
      [gone.id, 0],
      [-1, 0],
      [0x7fff_ffff, 0],
      [viewer.id, 0],
    ]
    expect(send(mixed, couples)).toBe(2)
    expect(fanOut.stats()).toMatchObject({ sent: 2, malformed: 11, unknownTarget: 3 })
    await expect.poll(() => viewer.received.length).toBe(2)
    expect(gone.received).toEqual([])
  })

  test('a removed target’s id never reaches the one that takes its place', async () => {
    const { addViewer, send, fanOut } = setup(openUdp, create)
    const gone = addViewer()
    fanOut.remove(gone.id)
    const next = addViewer()
    send([rtp(1, Buffer.from('x'))], [[gone.id, 0]])
    send([rtp(2, Buffer.from('y'))], [[next.id, 0]])
    await expect.poll(() => next.received.length).toBe(1)
    expect(sequences(next)).toEqual([102])
    expect(() => fanOut.update(gone.id, next.target)).toThrow('no fan-out target')
  })

  test('an update changes the constants and keeps the encryption’s count', async () => {
    const { addViewer, send, fanOut } = setup(openUdp, create)
    const viewer = addViewer()
    const packet = rtp(1, Buffer.from('x'))
    send([packet], [[viewer.id, 0]])
    fanOut.update(viewer.id, { ...viewer.target, sequenceOffset: 101, payloadType: 5 })
    send([packet], [[viewer.id, 0]])
    fanOut.update(viewer.id, { ...viewer.target, payloadType: 6 })
    expect(send([packet], [[viewer.id, 0]])).toBe(0)
    await expect.poll(() => viewer.received.length).toBe(2)
    expect(sequences(viewer)).toEqual([101, 102])
    expect(fanOut.stats().refusedReuse).toBe(1)
  })

  test('the target’s address needs no retain; a freed context and a closed socket send nothing', async () => {
    const { addViewer, send, fanOut, socket } = setup(openUdp, create)
    const viewer = addViewer()
    for (let count = 0; count < 10_000; count++) socket.intern('10.9.9.9', 1 + count)
    send([rtp(1, Buffer.from('x'))], [[viewer.id, 0]])
    await expect.poll(() => viewer.received.length).toBe(1)
    const other = addViewer()
    other.target.srtp.free()
    expect(send([rtp(1, Buffer.from('x'))], [[other.id, 0]])).toBe(0)
    expect(fanOut.stats().unknownTarget).toBe(1)
    socket.close()
    expect(send([rtp(2, Buffer.from('x'))], [[viewer.id, 0]])).toBe(0)
    expect(fanOut.stats().refusedByKernel).toBe(1)
  })

  test('more pairs than there are is an error of ours, and thrown', () => {
    const { fanOut } = setup(openUdp, create)
    expect(() => fanOut.send([], 0, new Int32Array(4), 3)).toThrow('fewer pairs')
    expect(() => fanOut.send([], 0, new Int32Array(4), -1)).toThrow('fewer pairs')
    expect(fanOut.send([], 5, new Int32Array(4), 0)).toBe(0)
  })
})

describe('the addon', () => {
  test('packets of one size to one viewer leave as one message', () => {
    const { addViewer, send, fanOut } = setup(native.openUdp, native.createFanOut)
    const viewers = Array.from({ length: 50 }, () => addViewer())
    send(
      payloads(9, index => (index === 8 ? 400 : 1200)),
      everyPair(viewers, 9),
    )
    expect(fanOut.stats()).toMatchObject({ sent: 450, segmentation: true })
    expect(fanOut.stats().systemCalls).toBeLessThan(10)
  })

  test('a run ends before 64 kB, and what no datagram can hold is counted', async () => {
    const { addViewer, send, fanOut } = setup(native.openUdp, native.createFanOut)
    const viewer = addViewer()
    expect(
      send(
        payloads(4, () => 30_000),
        everyPair([viewer], 4),
      ),
    ).toBe(4)
    expect(send([rtp(5000, Buffer.alloc(65_490))], [[viewer.id, 0]])).toBe(0)
    expect(fanOut.stats()).toMatchObject({ oversize: 1, refusedByKernel: 0, segmentation: true })
  })

  test('refuses targets that cannot be', () => {
    const { addViewer, fanOut } = setup(native.openUdp, native.createFanOut)
    const { target } = addViewer()
    expect(() => fanOut.add({ ...target, to: 99_999 })).toThrow('cannot be reached')
    expect(() => fanOut.add({ ...target, extensions: Buffer.from('bede0002', 'hex') })).toThrow('length')
    expect(() => fanOut.add({ ...target, srtp: {} as SrtpContext })).toThrow(TypeError)
    target.srtp.free()
    expect(() => fanOut.add(target)).toThrow('freed')
  })
})
