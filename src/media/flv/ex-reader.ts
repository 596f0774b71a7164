/** What readers of audio and video bodies share: the way through an Enhanced RTMP body, and to whom causes are told. */
import { type ExHeader, readExHeader, visitExTracks } from './ex-header.ts'
import type { PacketVisitor } from './packet.ts'

export interface ExReader {
  readonly header: ExHeader
  /** Packet type that announces multitrack: 6 for video, 5 for audio. */
  readonly multitrackType: number
  /** The cause of a body that is cut short. */
  readonly truncated: string
  /** The header has been read; `readTrack` follows. */
  begin(body: Uint8Array): void
  /** body[start, end) belongs to one track. Returns the cause when it was dropped. */
  readTrack(track: number, code: number, start: number, end: number): string | undefined
}

/** Tells the visitor why a body was dropped; a truncated one is missing in its track. */
export const createReport =
  (visitor: PacketVisitor, truncated: string) =>
  (cause: string | undefined): void => {
    if (cause === truncated) visitor.onLost(cause)
    else if (cause !== undefined) visitor.onRefused(cause)
  }

/** Reads ex bodies; the function returned gives the cause when a body was dropped. */
export const createExReader = (
  reader: ExReader,
  report: (cause: string | undefined) => void,
): ((body: Uint8Array) => string | undefined) => {
  const { header, multitrackType, truncated } = reader
  const visitTrack = (track: number, code: number, start: number, end: number): void => {
    report(reader.readTrack(track, code, start, end))
  }
  return body => {
    if (!readExHeader(body, header, multitrackType)) return truncated
    reader.begin(body)
    return visitExTracks(body, header, visitTrack) ? undefined : truncated
  }
}
