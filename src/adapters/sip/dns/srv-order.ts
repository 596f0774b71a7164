import type { SrvRecord } from '../signalling.ts'

/** One of the records, by weight; those of weight 0 have a small chance (RFC 2782). */
const draw = (records: readonly SrvRecord[], random: () => number): SrvRecord => {
  const total = records.reduce((sum, record) => sum + record.weight, 0)
  let left = random() * total
  for (const record of records) {
    left -= record.weight
    if (left < 0) return record
  }
  return records[0]!
}

/** Lower priorities first, within one of them drawn by weight. */
export const orderSrv = (records: readonly SrvRecord[], random: () => number): SrvRecord[] => {
  const ordered: SrvRecord[] = []
  for (const priority of [...new Set(records.map(record => record.priority))].sort((a, b) => a - b)) {
    let left = records.filter(record => record.priority === priority).sort((a, b) => a.weight - b.weight)
    while (left.length > 0) {
      const drawn = draw(left, random)
      ordered.push(drawn)
      left = left.filter(record => record !== drawn)
    }
  }
  return ordered
}
