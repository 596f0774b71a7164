/**
 * The kernel's monotonic clock less `performance.now()`, in microseconds: constant for a thread. The reading between
 * whose two neighbours the least time passed is the truest.
 */
export const measureClockOffsetUs = (): number => {
  let narrowestNs = Infinity
  let offsetUs = 0
  for (let i = 0; i < 8; i++) {
    const before = process.hrtime.bigint()
    const ownUs = performance.now() * 1000
    const widthNs = Number(process.hrtime.bigint() - before)
    if (widthNs >= narrowestNs) continue
    narrowestNs = widthNs
    offsetUs = (Number(before) + widthNs / 2) / 1000 - ownUs
  }
  return offsetUs
}
