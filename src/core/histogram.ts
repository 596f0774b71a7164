/** How often a value fell into which range. Plain numbers, so that counting costs next to nothing. */
export class Histogram {
  /** Upper bounds, rising; what is above the last one is counted behind it. */
  readonly bounds: readonly number[]
  /** One more than there are bounds; not cumulative. */
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let i = 0
    while (i < this.bounds.length && value > this.bounds[i]!) i++
    this.counts[i]!++
    this.sum += value
    this.count++
  }
}
