/** Sums over everything of a kind, what has ended included: they never fall when something ends or begins anew. */
export type Reading = Readonly<Record<string, number>>

interface Member {
  readonly group: string
  readonly read: () => Reading
}

/** Groups beyond these are one: a label must never grow with what peers send. */
const maxGroups = 32
const rest = 'other'

const add = (sums: Map<string, Record<string, number>>, group: string, reading: Reading): void => {
  const sum = sums.get(group) ?? {}
  sums.set(group, sum)
  for (const name in reading) sum[name] = (sum[name] ?? 0) + reading[name]!
}

export class Tally {
  readonly #ended = new Map<string, Record<string, number>>()
  readonly #live = new Set<Member>()
  readonly #groups = new Set<string>()

  /** Counted from now on. What it returns is called at the end, once, while `read` still tells. */
  enter(group: string, read: () => Reading): () => void {
    if (this.#groups.size < maxGroups) this.#groups.add(group)
    const member: Member = { group: this.#groups.has(group) ? group : rest, read }
    this.#live.add(member)
    return () => {
      if (this.#live.delete(member)) add(this.#ended, member.group, read())
    }
  }

  /** How many are live, by group. */
  get live(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const group of this.#groups) counts.set(group, 0)
    for (const { group } of this.#live) counts.set(group, (counts.get(group) ?? 0) + 1)
    return counts
  }

  get sums(): ReadonlyMap<string, Reading> {
    const sums = new Map<string, Record<string, number>>()
    for (const [group, reading] of this.#ended) add(sums, group, reading)
    for (const { group, read } of this.#live) add(sums, group, read())
    return sums
  }
}
