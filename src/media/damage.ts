/** Causes name what the sender wrote: their number has to end somewhere. */
const MAX_CAUSES = 64
const OTHER_CAUSE = 'other damage'

/** What was dropped or mended, by cause, with a bound on the number of causes. */
export interface Damage {
  readonly counts: Readonly<Record<string, number>>
  count(cause: string): void
}

/** `onDamage` is called each time. */
export const createDamage = (onDamage: (cause: string) => void): Damage => {
  const counts: Record<string, number> = Object.create(null)
  let causes = 0
  return {
    counts,
    count(cause) {
      const known = counts[cause] !== undefined
      const name = known || causes < MAX_CAUSES ? cause : OTHER_CAUSE
      if (!known) causes += 1
      counts[name] = (counts[name] ?? 0) + 1
      onDamage(name)
    },
  }
}
