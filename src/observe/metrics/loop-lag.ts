/** How late the event loop is: whatever lasts long in it makes media wait. */
import { Histogram } from '../../core/histogram.ts'
import type { Clock, Scope } from '../../core/types.ts'

const everyUs = 250_000
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]

/** Seconds by which a timer came late, four times a second until the scope closes. */
export const measureLoopLag = (clock: Clock, scope: Scope): Histogram => {
  const histogram = new Histogram(bounds)
  const wait = (): (() => void) => {
    const due = clock.now() + everyUs
    return clock.after(everyUs, () => {
      histogram.observe(Math.max(0, clock.now() - due) / 1e6)
      cancel = wait()
    })
  }
  let cancel = wait()
  scope.defer(() => cancel())
  return histogram
}
