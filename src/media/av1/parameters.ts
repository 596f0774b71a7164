import { GatewayError } from '../../errors.ts'
import { concatBytes } from '../bytes.ts'
import type { Av1Parameters } from '../types.ts'
import { OBU, obuType, sizedObusBytes, splitObus, withoutObuSize, writeObus } from './obu.ts'
import { readAv1SequenceHeader } from './sequence-header.ts'

/** Parameters from a sequence header OBU, kept without its size field so that contents compare. */
export const createAv1Params = (sequenceHeader?: Uint8Array): Av1Parameters => ({
  codec: 'av1',
  kind: 'video',
  clockRate: 90_000,
  sequenceHeader: sequenceHeader && withoutObuSize(sequenceHeader)?.slice(),
  size: sequenceHeader && readAv1SequenceHeader(sequenceHeader)?.size,
})

const FIXED_BYTES = 4

/**
 * Parameters from an av1C record, AV1 in ISOBMFF section 2.3.
 * @throws GatewayError 'malformed'
 */
export const parseAv1C = (bytes: Uint8Array): Av1Parameters => {
  if (bytes.length < FIXED_BYTES)
    throw new GatewayError('malformed', `av1C has ${bytes.length} bytes, needs 4`)
  if (bytes[0] !== 0x81)
    throw new GatewayError('malformed', `av1C begins with ${bytes[0]}, not marker and version 1`)
  const units = splitObus(bytes, FIXED_BYTES)
  if (units === undefined) throw new GatewayError('malformed', 'av1C ends inside an OBU')
  return createAv1Params(units.find(unit => obuType(unit) === OBU.sequenceHeader))
}

/** Builds the av1C record with the sequence header in it. undefined while there is none that can be read. */
export const buildAv1C = ({ sequenceHeader }: Av1Parameters): Uint8Array | undefined => {
  const info = sequenceHeader && readAv1SequenceHeader(sequenceHeader)
  if (sequenceHeader === undefined || info === undefined) return undefined
  const flags = [
    info.tier === 1,
    info.highBitDepth,
    info.twelveBit,
    info.monochrome,
    info.subsamplingX,
    info.subsamplingY,
  ].reduce((value, flag) => (value << 1) | Number(flag), 0)
  const obus = new Uint8Array(sizedObusBytes([sequenceHeader]))
  writeObus([sequenceHeader], obus, 0)
  const head = Uint8Array.of(
    0x81,
    (info.profile << 5) | info.level,
    (flags << 2) | info.chromaSamplePosition,
    0,
  )
  return concatBytes([head, obus])
}
