/** Which recordings go. Pure: files and limits in, files and reasons out. */
export interface KeptFile {
  readonly name: string
  readonly bytes: number
  /** Of the last write, milliseconds since the epoch. */
  readonly modifiedMs: number
  /** Being written, or read by a job. */
  readonly open: boolean
}
export interface Limits {
  /** 0: no limit, for each. */
  readonly maxBytes: number
  readonly maxAgeDays: number
  readonly minFreeBytes: number
}
export interface Eviction<F extends KeptFile> {
  readonly file: F
  /** With the numbers: "12.3 days old, at most 7 are kept". */
  readonly why: string
}

const dayMs = 86_400_000

/** Oldest first; an open file counts, and never goes. `freeBytes`: what the disk has left. */
export const chooseEvictions = <F extends KeptFile>(
  files: readonly F[],
  { maxBytes, maxAgeDays, minFreeBytes }: Limits,
  nowMs: number,
  freeBytes: number,
): readonly Eviction<F>[] => {
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let free = freeBytes
  const reason = ({ modifiedMs }: KeptFile): string | undefined => {
    const days = (nowMs - modifiedMs) / dayMs
    if (maxAgeDays > 0 && days > maxAgeDays)
      return `${days.toFixed(1)} days old, at most ${maxAgeDays} are kept`
    if (maxBytes > 0 && total > maxBytes)
      return `the oldest, as all have ${total} bytes of at most ${maxBytes}`
    if (minFreeBytes > 0 && free < minFreeBytes)
      return `the oldest, as the disk has ${free} bytes left of at least ${minFreeBytes}`
    return undefined
  }
  const evictions: Eviction<F>[] = []
  for (const file of files.filter(({ open }) => !open).sort((a, b) => a.modifiedMs - b.modifiedMs)) {
    const why = reason(file)
    if (why === undefined) continue
    evictions.push({ file, why })
    total -= file.bytes
    free += file.bytes
  }
  return evictions
}
