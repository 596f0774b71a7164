/** Bit rate, frame rate, delay and drops of one stream over the last two minutes, and the verdict on it. */
import { type ComponentChild, h } from 'preact'
import { judge } from './health.ts'
import { Sparkline } from './sparkline.ts'
import { historyOf, type Moment } from './stream-history.ts'
import { bitrate, sourceTracks } from './words.ts'

interface Graph {
  /** Only of streams that have a picture. */
  readonly ofPicture?: true
  readonly label: string
  readonly value: (moment: Moment) => number
  readonly words: (value: number) => string
}

const graphs: readonly Graph[] = [
  { label: 'Bit rate', value: moment => moment.bitsPerSecond, words: bitrate },
  {
    label: 'Frames',
    ofPicture: true,
    value: moment => moment.framesPerSecond,
    words: value => `${Math.round(value)} fps`,
  },
  { label: 'Delay inside', value: moment => moment.latencyMs ?? 0, words: value => `${value.toFixed(1)} ms` },
  { label: 'Dropped', value: moment => moment.dropped, words: value => String(value) },
]

/** Redrawn with the list of streams, whose answers make the history. */
export const StreamGraphs = ({ name }: { readonly name: string }): ComponentChild => {
  const history = historyOf(name)
  const now = history.at(-1)
  if (now === undefined) return null
  const { tone, words } = judge(now.view, history.at(-2)?.view)
  const hasPicture = sourceTracks(now.view).some(({ kind }) => kind === 'video')
  const shown = graphs.filter(({ ofPicture = false }) => hasPicture || !ofPicture)
  const drawn = shown.map(({ label, value, words: say }) =>
    h(Sparkline, { key: label, label, values: history.map(value), newest: say(value(now)) }),
  )
  return h(
    'section',
    { class: 'card', 'aria-label': 'Health' },
    h('h2', {}, 'Health'),
    h('p', { class: 'health', role: 'status', 'data-tone': tone }, words),
    h('div', { class: 'sparks' }, drawn),
  )
}
