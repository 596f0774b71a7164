/** AV1 against another implementation, both ways: this ffmpeg has no AV1 in RTP. */
import { expect, test } from 'vitest'
import { AV1RtpPayload, Av1Packetizer } from 'werift'
import {
  OBU,
  obuType,
  sizedObusBytes,
  splitObus,
  withoutObuSize,
  writeObus,
} from '../../../src/media/av1/obu.ts'
import { createAv1Params } from '../../../src/media/av1/parameters.ts'
import { createDepacketiser } from '../../../src/media/rtp/depacketise.ts'
import { createRtpStreamState, readRtpPacket } from '../../../src/media/rtp/packet.ts'
import { createPacketiser } from '../../../src/media/rtp/packetise.ts'
import type { Frame } from '../../../src/media/types.ts'
import { av1Frames } from '../../helpers/media-fixtures.ts'

const frames = av1Frames()
const { params } = frames[0]!
const sequenceHeader = params.codec === 'av1' ? params.sequenceHeader! : new Uint8Array()
const plain = (units: readonly Uint8Array[]): string[] =>
  units.map(unit => Buffer.from(withoutObuSize(unit)!).toString('base64'))

test('it reads what we write', () => {
  const payloads = new Map<number, AV1RtpPayload[]>()
  const packetiser = createPacketiser(params, { maxPayload: 150 }, ({ bytes, ts }) => {
    const payload = AV1RtpPayload.deSerialize(Buffer.from(bytes.subarray(12)))
    payloads.set(ts, [...(payloads.get(ts) ?? []), payload])
  })
  for (const frame of frames) packetiser.push(frame)
  const read = [...payloads.values()].map(list =>
    plain(splitObus(new Uint8Array(AV1RtpPayload.getFrame(list)))!),
  )
  const sent = frames.map(({ key, units }) => plain(key ? [sequenceHeader, ...units] : units))
  expect(read).toEqual(sent)
  expect([...payloads.values()].filter(list => list[0]!.isKeyframe)).toHaveLength(2)
})

test('we read what it writes', () => {
  const received: Frame[] = []
  const depacketiser = createDepacketiser(createAv1Params(), {
    onFrame: frame => received.push(frame),
    onParams: () => {},
    onLoss: () => expect.unreachable(),
  })
  const state = createRtpStreamState('av1')
  const packetizer = new Av1Packetizer({ payloadType: 96, maxPayloadSize: 150 })
  for (const { key, units, pts } of frames) {
    const all = key ? [sequenceHeader, ...units] : units
    const sample = Buffer.alloc(sizedObusBytes(all))
    writeObus(all, sample, 0)
    for (const packet of packetizer.packetize(sample, pts, { isKeyframe: key }))
      depacketiser.push(readRtpPacket(new Uint8Array(packet.serialize()), 0, state)!, 0)
  }
  expect(received.map(frame => plain(frame.units))).toEqual(frames.map(frame => plain(frame.units)))
  expect(received.map(frame => frame.key)).toEqual(frames.map(frame => frame.key))
  expect(received[0]!.params).toEqual(params)
  expect(received.flatMap(frame => frame.units).some(unit => obuType(unit) === OBU.sequenceHeader)).toBe(
    false,
  )
})
