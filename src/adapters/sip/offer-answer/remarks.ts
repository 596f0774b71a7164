import type { AddressDoubt, AgreedLine, Agreement } from './types.ts'

const WHY: Readonly<Record<AddressDoubt, string>> = {
  unspecified: 'names no address',
  'host-name': 'names a host, not an address',
  multicast: 'names a group',
  private: 'names an address in a network of its own',
  elsewhere: 'names another address than it calls from',
}

const doubtOf = ({ kind, doubt, remote }: AgreedLine): readonly string[] =>
  doubt === undefined
    ? []
    : [`${kind}: the far side ${WHY[doubt]}: ${remote.address ?? 'unknown'}:${remote.port}`]

/** RFC 6184 6.2. */
const fragmentsOf = ({ kind, codec }: AgreedLine): readonly string[] =>
  codec.packetizationMode === 0
    ? [
        `${kind}: the far side promises to read no fragments (packetization-mode 0), and gets large pictures so`,
      ]
    : []

/** What people want to know of an agreement: the lines that were left out, and what may go wrong. */
export const remarksOf = ({ lines, leftOut }: Agreement): readonly string[] => [
  ...leftOut,
  ...lines.flatMap(doubtOf),
  ...lines.flatMap(fragmentsOf),
]
