/** What a late viewer needs to see a picture at once, kept only where the source cannot be asked for a key frame. */
import type { Frame, RtpPacket } from '../media/types.ts'

export interface UnitCache<U> {
  add(unit: U, bytes: number): void
  /** Oldest first; empty when nothing decodable is held. */
  units(): readonly U[]
  readonly bytes: number
  /** How often the last group of pictures was too large to keep. */
  readonly overflows: number
  clear(): void
}
export interface CacheLimits {
  readonly maxBytes: number
  readonly maxUnits: number
}

export const gopLimits: CacheLimits = { maxBytes: 8 * 1024 * 1024, maxUnits: 10_000 }
/** Audio that may go with a group of pictures: about 20 s. */
export const tailLimits: CacheLimits = { maxBytes: 1024 * 1024, maxUnits: 1000 }

/** Decoding can start with this unit. */
export const startsPicture = (unit: Frame | RtpPacket): boolean =>
  unit.key && (!('head' in unit) || unit.head)

/** The units since the last key frame. A group larger than the limits is let go as a whole; the next one is tried. */
export const createGopCache = <U extends Frame | RtpPacket>(
  limits: CacheLimits = gopLimits,
): UnitCache<U> => {
  let units: U[] = []
  let bytes = 0
  let overflows = 0
  let keyTs = Number.NaN
  const clear = (): void => {
    units = []
    bytes = 0
    keyTs = Number.NaN
  }
  /** A key picture may come as several packets that look like a start (SPS, then IDR): one timestamp, one group. */
  const begins = (unit: U): boolean =>
    startsPicture(unit) && !('ts' in unit && unit.ts === keyTs && units.length > 0)
  return {
    add: (unit, size) => {
      if (begins(unit)) {
        clear()
        keyTs = 'ts' in unit ? unit.ts : unit.dts
      } else if (units.length === 0) return
      units.push(unit)
      bytes += size
      if (bytes <= limits.maxBytes && units.length <= limits.maxUnits) return
      overflows++
      clear()
    },
    units: () => units,
    get bytes() {
      return bytes
    },
    get overflows() {
      return overflows
    },
    clear,
  }
}

/** The last units of an audio track, whatever they are, while there is a picture that they go with. */
export const createTailCache = <U extends Frame | RtpPacket>(
  goesWithPicture: () => boolean,
  limits: CacheLimits = tailLimits,
): UnitCache<U> => {
  let units: U[] = []
  let sizes: number[] = []
  let start = 0
  let bytes = 0
  const clear = (): void => {
    units = []
    sizes = []
    start = 0
    bytes = 0
  }
  const trim = (): void => {
    while (bytes > limits.maxBytes || units.length - start > limits.maxUnits) bytes -= sizes[start++]!
    if (start * 2 < units.length) return
    units = units.slice(start)
    sizes = sizes.slice(start)
    start = 0
  }
  return {
    add: (unit, size) => {
      if (!goesWithPicture()) {
        if (units.length > 0) clear()
        return
      }
      units.push(unit)
      sizes.push(size)
      bytes += size
      trim()
    },
    units: () => units.slice(start),
    get bytes() {
      return bytes
    },
    overflows: 0,
    clear,
  }
}
