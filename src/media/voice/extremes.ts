/** The least and the most of late: of the window that goes on and of the one before it. */
export class Extremes {
  readonly #window: number
  #start: number | undefined
  #least = 0
  #most = 0
  #leastBefore = 0
  #mostBefore = 0

  /** `window`: in the unit of the times given. */
  constructor(window: number) {
    this.#window = window
  }

  get least(): number {
    return Math.min(this.#least, this.#leastBefore)
  }
  get most(): number {
    return Math.max(this.#most, this.#mostBefore)
  }

  add(value: number, time: number): void {
    this.#start ??= time
    if (time - this.#start >= this.#window) this.#turn(value, time)
    if (value < this.#least) this.#least = value
    if (value > this.#most) this.#most = value
  }

  /** Only this counts. */
  restart(value: number): void {
    this.#start = undefined
    this.#least = this.#most = this.#leastBefore = this.#mostBefore = value
  }

  #turn(value: number, time: number): void {
    this.#start = time
    this.#leastBefore = this.#least
    this.#mostBefore = this.#most
    this.#least = this.#most = value
  }
}
