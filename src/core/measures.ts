/** What is measured of a whole registry: counted as it happens, read by whoever asks. */
import { Histogram } from './histogram.ts'
import { Tally } from './tally.ts'

export interface Measures {
  /** Seconds from the arrival of a unit until a reader's protocol was given it; a sample of them. */
  readonly latency: Histogram
  /** Seconds by which pictures come later than the sound that belongs to them: from sources, and to readers. */
  readonly skewIn: Histogram
  readonly skewOut: Histogram
  /** Source tracks by kind, publishers and readers by protocol. */
  readonly tracks: Tally
  readonly publishers: Tally
  readonly readers: Tally
}

const latencyBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
]
const skewBounds = [-1, -0.5, -0.2, -0.1, -0.05, -0.02, 0, 0.02, 0.05, 0.1, 0.2, 0.5, 1]

export const createMeasures = (): Measures => ({
  latency: new Histogram(latencyBounds),
  skewIn: new Histogram(skewBounds),
  skewOut: new Histogram(skewBounds),
  tracks: new Tally(),
  publishers: new Tally(),
  readers: new Tally(),
})

/** "rtmp 127.0.0.1:50412" is rtmp's: the first word of a label is its maker's. */
export const protocolOf = (label: string): string => /^[a-z][a-z-]*(?= |$)/.exec(label)?.[0] ?? 'other'
