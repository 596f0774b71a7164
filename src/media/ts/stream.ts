import type { Pes } from './pes-reader.ts'

/** What becomes of the PES packets of one elementary stream. Returns why something was dropped, when it was. */
export interface TsStream {
  push(pes: Pes): string | undefined
  /** Something was lost before the next packet. */
  interrupt(): void
}
