/** A small graph: one line over time, its newest value in words. */
import { h, svg } from './element.ts'

const width = 120
const height = 32

const points = (values: readonly number[]): string => {
  const top = Math.max(...values, 1e-9)
  const step = width / Math.max(values.length - 1, 1)
  return values
    .map((value, i) => `${(i * step).toFixed(1)},${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`)
    .join(' ')
}

export interface Sparkline {
  readonly element: HTMLElement
  /** Oldest first. */
  show(values: readonly number[], newest: string): void
}

export const sparkline = (label: string): Sparkline => {
  const line = svg('polyline', { points: '' })
  const graph = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' },
    line,
  )
  const value = h('span', { class: 'value' })
  return {
    element: h('div', { class: 'spark' }, h('span', { class: 'label' }, label), graph, value),
    show(values, newest) {
      line.setAttribute('points', points(values))
      graph.setAttribute('aria-label', `${label} over the last ${values.length * 2} seconds, now ${newest}`)
      value.textContent = newest
    },
  }
}
