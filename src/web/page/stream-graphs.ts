/** Bit rate, frame rate, delay and drops of one stream over the last two minutes, and the verdict on it. */
import { h } from './element.ts'
import { judge } from './health.ts'
import { every } from './parts.ts'
import { sparkline } from './sparkline.ts'
import { historyOf, type Moment } from './stream-history.ts'
import { bitrate } from './words.ts'

interface Graph {
  readonly label: string
  readonly value: (moment: Moment) => number
  readonly words: (value: number) => string
}

const graphs: readonly Graph[] = [
  { label: 'Bit rate', value: moment => moment.bitsPerSecond, words: bitrate },
  { label: 'Frames', value: moment => moment.framesPerSecond, words: value => `${Math.round(value)} fps` },
  { label: 'Delay inside', value: moment => moment.latencyMs ?? 0, words: value => `${value.toFixed(1)} ms` },
  { label: 'Dropped', value: moment => moment.dropped, words: value => String(value) },
]

export const streamGraphs = (name: string): { readonly element: HTMLElement; close(): void } => {
  const verdict = h('p', { class: 'health', role: 'status' })
  const drawn = graphs.map(graph => ({ ...graph, spark: sparkline(graph.label) }))
  const rows = h('div', { class: 'sparks' }, ...drawn.map(({ spark }) => spark.element))
  const element = h(
    'section',
    { class: 'card', 'aria-label': 'Health' },
    h('h2', {}, 'Health'),
    verdict,
    rows,
  )
  const close = every(1000, async () => {
    const history = historyOf(name)
    const now = history.at(-1)
    element.hidden = now === undefined
    if (now === undefined) return
    const { tone, words } = judge(now.view, history.at(-2)?.view)
    verdict.dataset.tone = tone
    if (verdict.textContent !== words) verdict.textContent = words
    for (const { spark, value, words: say } of drawn) spark.show(history.map(value), say(value(now)))
  })
  return { element, close }
}
