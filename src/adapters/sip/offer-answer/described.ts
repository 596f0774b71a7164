/** Session descriptions of this end, with a version that counts what changed (RFC 3264 8). */
import type { SdpMedia, SdpSession } from '../../../media/sdp/types.ts'
import { writeSdp } from '../../../media/sdp/write.ts'
import type { Described } from './types.ts'

export const connectionFor = (address: string): string =>
  `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`

const withVersion = (session: SdpSession, version: number): Described => {
  const numbered = { ...session, origin: session.origin.split(' ').with(2, String(version)).join(' ') }
  return { session: numbered, text: writeSdp(numbered) }
}

/** The lines as a description of this end: the last one again when nothing changed, else its next version. */
export const describeOwn = (
  sessionId: number,
  address: string,
  media: readonly SdpMedia[],
  previous: Described | undefined,
): Described => {
  const connection = connectionFor(address)
  const session: SdpSession = {
    origin: previous?.session.origin ?? `- ${sessionId} 1 ${connection}`,
    name: '-',
    connection,
    attributes: [],
    media: media.map(line => (line.connection === connection ? { ...line, connection: undefined } : line)),
  }
  if (previous === undefined) return withVersion(session, 1)
  const version = Number(previous.session.origin.split(' ')[2])
  const again = withVersion(session, version)
  return again.text === previous.text ? previous : withVersion(session, version + 1)
}
