/** Enhanced RTMP v2 (Veovera): what both sides say in `connect` about codecs beyond H.264 and AAC. */
import { type AmfObject, type AmfValue, isAmfObject } from '../../media/amf/value.ts'

const CAN_DECODE = 0x01
const CAN_ENCODE = 0x02
const CAN_FORWARD = 0x04

/** capsEx: ModEx and multitrack are read; Reconnect and nanosecond offsets are not offered. */
const CAPS_MULTITRACK = 0x02
const CAPS_MODEX = 0x04

const VIDEO = ['avc1', 'hvc1', 'av01', 'vp09', 'vp08'] as const
const AUDIO = ['mp4a', 'Opus', '.mp3'] as const

const infoMap = (fourCcs: readonly string[]): AmfObject =>
  Object.fromEntries(fourCcs.map(fourCc => [fourCc, CAN_FORWARD | CAN_DECODE]))

/** What we can take, for the `connect` command of a client and for the answer of a server. */
export const enhancedOffer = (): AmfObject => ({
  fourCcList: [...VIDEO, ...AUDIO],
  videoFourCcInfoMap: infoMap(VIDEO),
  audioFourCcInfoMap: infoMap(AUDIO),
  capsEx: CAPS_MULTITRACK | CAPS_MODEX,
})

/** Decoders and forwarders take a codec; who only encodes it does not want it back. */
const takes = (flags: AmfValue): boolean =>
  typeof flags === 'number' && ((flags & (CAN_DECODE | CAN_FORWARD)) !== 0 || (flags & CAN_ENCODE) === 0)

/** FourCCs that a peer's object announces; undefined when it says nothing of Enhanced RTMP. */
export const readFourCcs = (value: AmfValue): readonly string[] | undefined => {
  if (value === undefined || !isAmfObject(value)) return undefined
  const { fourCcList, videoFourCcInfoMap, audioFourCcInfoMap } = value
  if (fourCcList === undefined && videoFourCcInfoMap === undefined && audioFourCcInfoMap === undefined)
    return undefined
  const found = new Set<string>()
  if (Array.isArray(fourCcList)) for (const item of fourCcList) if (typeof item === 'string') found.add(item)
  for (const map of [videoFourCcInfoMap, audioFourCcInfoMap]) {
    if (map === undefined || !isAmfObject(map)) continue
    for (const [fourCc, flags] of Object.entries(map)) if (takes(flags)) found.add(fourCc)
  }
  return [...found]
}
