/** Which programs a transport stream has, and which streams each of them; ISO/IEC 13818-1 sections 2.4.4.3 and 2.4.4.8. */
import { uint16 } from '../bytes.ts'
import { NULL_PID } from './packet.ts'
import type { Section } from './section-reader.ts'

export const PAT_PID = 0
export const TABLE_ID = { pat: 0, pmt: 2 } as const

export interface ProgramEntry {
  readonly program: number
  /** Of its map table. */
  readonly pid: number
}

/** The programs of an association table; the network table (program 0) is left out. */
export const readPat = ({ body }: Section): readonly ProgramEntry[] => {
  const programs: ProgramEntry[] = []
  for (let at = 0; at + 4 <= body.length; at += 4) {
    const program = uint16(body, at)
    const pid = uint16(body, at + 2) & 0x1fff
    if (program !== 0 && pid !== PAT_PID && pid !== NULL_PID) programs.push({ program, pid })
  }
  return programs
}

export interface Descriptor {
  readonly tag: number
  readonly data: Uint8Array
}
/** One elementary stream. */
export interface StreamEntry {
  readonly pid: number
  /** stream_type, table 2-34. */
  readonly type: number
  readonly descriptors: readonly Descriptor[]
}

const readDescriptors = (bytes: Uint8Array, start: number, end: number): readonly Descriptor[] => {
  const descriptors: Descriptor[] = []
  let at = start
  while (at + 2 <= end) {
    const next = at + 2 + bytes[at + 1]!
    if (next > end) break
    descriptors.push({ tag: bytes[at]!, data: bytes.slice(at + 2, next) })
    at = next
  }
  return descriptors
}

/** The streams of a program map. undefined: a length points past the end. */
export const readPmt = ({ body }: Section): readonly StreamEntry[] | undefined => {
  if (body.length < 4) return undefined
  const streams: StreamEntry[] = []
  let at = 4 + (uint16(body, 2) & 0x0fff)
  while (at + 5 <= body.length) {
    const start = at + 5
    const end = start + (uint16(body, at + 3) & 0x0fff)
    if (end > body.length) return undefined
    const pid = uint16(body, at + 1) & 0x1fff
    streams.push({ pid, type: body[at]!, descriptors: readDescriptors(body, start, end) })
    at = end
  }
  return at === body.length ? streams : undefined
}
