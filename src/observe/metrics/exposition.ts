/**
 * The text format of Prometheus, version 0.0.4. Written here, as the numbers are kept where they arise and are only
 * read: a client library would want a copy of each, kept up to date on the media path.
 */
import type { Histogram } from '../../core/histogram.ts'

export type Labels = Readonly<Record<string, string>>
export type MetricType = 'counter' | 'gauge' | 'histogram'

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeLabel = (text: string): string => escapeHelp(text).replaceAll('"', '\\"')

const shown = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

export class Exposition {
  #text = ''

  /** `samples`: one for each set of labels. */
  add(
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    samples: Iterable<readonly [Labels, number]>,
  ): void {
    this.#head(name, type, help)
    for (const [labels, value] of samples) this.#text += `${name}${shown(labels)} ${value}\n`
  }

  addHistogram(name: string, help: string, histograms: Iterable<readonly [Labels, Histogram]>): void {
    this.#head(name, 'histogram', help)
    for (const [labels, { bounds, counts, sum, count }] of histograms) {
      let below = 0
      for (const [i, bound] of bounds.entries()) {
        below += counts[i]!
        this.#text += `${name}_bucket${shown({ ...labels, le: String(bound) })} ${below}\n`
      }
      this.#text += `${name}_bucket${shown({ ...labels, le: '+Inf' })} ${count}\n`
      this.#text += `${name}_sum${shown(labels)} ${sum}\n${name}_count${shown(labels)} ${count}\n`
    }
  }

  toString(): string {
    return this.#text
  }

  #head(name: string, type: MetricType, help: string): void {
    this.#text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
  }
}
