/** Typed views on the attribute lines of a session description. */
import { staticCodec } from './static-codecs.ts'
import type { Direction, SdpAttribute, SdpCodec, SdpExtension, SdpFingerprint } from './types.ts'

interface WithAttributes {
  readonly attributes: readonly SdpAttribute[]
}

/** Value of the first attribute of that name; '' for a flag; undefined when absent. */
export const attributeOf = (section: WithAttributes, name: string): string | undefined => {
  const found = section.attributes.find(attribute => attribute.name === name)
  return found === undefined ? undefined : (found.value ?? '')
}

/** Values of all attributes of that name. */
export const attributesOf = (section: WithAttributes, name: string): readonly string[] =>
  section.attributes.filter(attribute => attribute.name === name).map(attribute => attribute.value ?? '')

const DIRECTIONS: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']

/** Direction of a media section; the session's, else sendrecv, when it does not say (RFC 8866 6.7). */
export const directionOf = (media: WithAttributes, session: WithAttributes): Direction =>
  DIRECTIONS.find(direction => attributeOf(media, direction) !== undefined) ??
  DIRECTIONS.find(direction => attributeOf(session, direction) !== undefined) ??
  'sendrecv'

/** What follows "PT " in the lines of one attribute that belong to one payload type. */
const valuesFor = (section: WithAttributes, name: string, payloadType: string): readonly string[] =>
  attributesOf(section, name)
    .filter(value => value.startsWith(`${payloadType} `))
    .map(value => value.slice(payloadType.length + 1).trim())

const RTPMAP = /^([^/\s]+)\/(\d{1,7})(?:\/(\d{1,2}))?$/

const codecOf = (section: WithAttributes, format: string): SdpCodec | undefined => {
  const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : 128
  if (payloadType > 127) return undefined
  const match = RTPMAP.exec(valuesFor(section, 'rtpmap', format)[0] ?? staticCodec(payloadType) ?? '')
  if (match === null) return undefined
  return {
    payloadType,
    name: match[1]!,
    clockRate: Number(match[2]),
    channels: Number(match[3] ?? 1),
    fmtp: valuesFor(section, 'fmtp', format).join(';'),
    feedback: [...valuesFor(section, 'rtcp-fb', '*'), ...valuesFor(section, 'rtcp-fb', format)],
  }
}

/** The codecs of a media section in the offerer's order of preference. Formats without a map are left out. */
export const codecsOf = (
  media: WithAttributes & { readonly formats: readonly string[] },
): readonly SdpCodec[] =>
  media.formats.map(format => codecOf(media, format)).filter(codec => codec !== undefined)

/** `key=value;key=value` as a map with lower-case keys; a bare word maps to ''. */
export const parseFmtp = (fmtp: string): ReadonlyMap<string, string> =>
  new Map(
    fmtp
      .split(';')
      .map(part => part.trim())
      .filter(part => part !== '')
      .map(part => {
        const equals = part.indexOf('=')
        return equals < 0
          ? ([part.toLowerCase(), ''] as const)
          : ([part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim()] as const)
      }),
  )

/** Header extensions that either side may use; direction suffixes ("/sendonly") are dropped. */
export const extensionsOf = (media: WithAttributes): readonly SdpExtension[] =>
  attributesOf(media, 'extmap')
    .map(value => /^(\d{1,5})(?:\/\w+)?\s+(\S+)/.exec(value))
    .filter(match => match !== null)
    .map(match => ({ id: Number(match[1]), uri: match[2]! }))
    .filter(({ id }) => id >= 1 && id <= 255)

/** Certificate fingerprints of a media section, else of the session. */
export const fingerprintsOf = (media: WithAttributes, session: WithAttributes): readonly SdpFingerprint[] => {
  const own = attributesOf(media, 'fingerprint')
  return (own.length > 0 ? own : attributesOf(session, 'fingerprint'))
    .map(value => /^(\S+)\s+([0-9A-Fa-f:]+)$/.exec(value.trim()))
    .filter(match => match !== null)
    .map(match => ({ algorithm: match[1]!.toLowerCase(), value: match[2]!.toUpperCase() }))
}
