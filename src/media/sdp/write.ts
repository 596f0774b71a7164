import type { SdpAttribute, SdpMedia, SdpSession } from './types.ts'

const attributeLine = ({ name, value }: SdpAttribute): string =>
  value === undefined ? `a=${name}` : `a=${name}:${value}`

const connectionLines = (connection: string | undefined): string[] =>
  connection === undefined ? [] : [`c=${connection}`]

const mediaLines = (media: SdpMedia): string[] => [
  `m=${media.kind} ${media.port} ${media.protocol} ${media.formats.join(' ')}`,
  ...connectionLines(media.connection),
  ...(media.bandwidth ?? []).map(value => `b=${value}`),
  ...media.attributes.map(attributeLine),
]

/** Writes a session description, CRLF after every line (RFC 8866 9). */
export const writeSdp = (session: SdpSession): string =>
  [
    'v=0',
    `o=${session.origin}`,
    `s=${session.name}`,
    ...connectionLines(session.connection),
    't=0 0',
    ...session.attributes.map(attributeLine),
    ...session.media.flatMap(mediaLines),
    '',
  ].join('\r\n')
