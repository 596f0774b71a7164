/** A small graph: one line over time, its newest value in words. */
import { type ComponentChild, h } from 'preact'

const width = 120
const height = 32

const points = (values: readonly number[]): string => {
  const top = Math.max(...values, 1e-9)
  const step = width / Math.max(values.length - 1, 1)
  return values
    .map((value, i) => `${(i * step).toFixed(1)},${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`)
    .join(' ')
}

export interface SparklineProps {
  readonly label: string
  /** Oldest first, one every two seconds. */
  readonly values: readonly number[]
  /** The last of them, in words. */
  readonly newest: string
}

export const Sparkline = ({ label, values, newest }: SparklineProps): ComponentChild => {
  const words = `${label} over the last ${values.length * 2} seconds, now ${newest}`
  const box = `0 0 ${width} ${height}`
  return h(
    'div',
    { class: 'spark' },
    h('span', { class: 'label' }, label),
    h(
      'svg',
      { viewBox: box, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
      h('polyline', { points: points(values) }),
    ),
    h('span', { class: 'value' }, newest),
  )
}
