/** Times in steps of 10 µs up to ten seconds. */
const stepsPerMs = 100
const size = 1_000_000

export interface Histogram {
  add(ms: number): void
  count(): number
  /** Milliseconds below which this share of the times lies; 0 when there are none. */
  quantile(share: number): number
  reset(): void
}

export const createHistogram = (): Histogram => {
  const steps = new Uint32Array(size)
  let count = 0
  return {
    add(ms) {
      steps[Math.min(size - 1, Math.max(0, Math.round(ms * stepsPerMs)))]! += 1
      count += 1
    },
    count: () => count,
    quantile(share) {
      let left = share * count
      const index = steps.findIndex(times => {
        left -= times
        return times > 0 && left <= 0
      })
      return Math.max(0, index) / stepsPerMs
    },
    reset() {
      steps.fill(0)
      count = 0
    },
  }
}
