/** The conversions the core carries out, as one replaceable set; the codecs themselves are in media/. */
import { type BFrameFilter, createBFrameFilter } from '../media/reorder.ts'
import { createDepacketiser } from '../media/rtp/depacketise.ts'
import { createPacketiser } from '../media/rtp/packetise.ts'
import type {
  Depacketiser,
  DepacketiserEvents,
  Packetiser,
  PacketiserOptions,
  PacketSink,
} from '../media/rtp/types.ts'
import type { CodecParameters } from '../media/types.ts'

/** Each throws GatewayError 'unsupported-codec' where it cannot serve the codec. */
export interface Converters {
  packetiser(params: CodecParameters, options: PacketiserOptions, emit: PacketSink): Packetiser
  depacketiser(params: CodecParameters, events: DepacketiserEvents): Depacketiser
  bFrameFilter(): BFrameFilter
}

export const mediaConverters: Converters = {
  packetiser: createPacketiser,
  depacketiser: (params, events) => createDepacketiser(params, events),
  bFrameFilter: createBFrameFilter,
}
