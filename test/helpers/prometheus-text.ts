/** Reads the text format of Prometheus 0.0.4, strictly: what Prometheus would refuse, this refuses. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

const head = /^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.*)$/
const line = /^([a-z_:][a-z0-9_:]*)(?:\{([^\n]*)\})? (\S+)$/
const pair = /^([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_all, what: string) => (what === 'n' ? '\n' : what))

const readLabels = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const [all, name, value] = pair.exec(rest) ?? []
    if (all === undefined) throw new Error(`labels cannot be read: ${rest}`)
    if (name! in labels) throw new Error(`the label ${name} comes twice: ${text}`)
    labels[name!] = unescaped(value!)
    rest = rest.slice(all.length)
  }
  return labels
}

const readNumber = (text: string): number => {
  const value = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
  if (Number.isNaN(value)) throw new Error(`${text} is no number`)
  return value
}

const belongs = ({ name, type }: Family, sample: string): boolean =>
  type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample) : sample === name

const checkHistogram = ({ name, samples }: Family): void => {
  const series = Map.groupBy(samples, ({ labels: { le: _le, ...rest } }) => JSON.stringify(rest))
  for (const [labels, all] of series) {
    const buckets = all.filter(sample => sample.name === `${name}_bucket`)
    const bounds = buckets.map(bucket => readNumber(bucket.labels.le!))
    const counts = buckets.map(({ value }) => value)
    const count = all.find(sample => sample.name === `${name}_count`)?.value
    const rises = (values: readonly number[]): boolean =>
      values.every((v, i) => i === 0 || v >= values[i - 1]!)
    if (
      !rises(bounds) ||
      !rises(counts) ||
      bounds.at(-1) !== Number.POSITIVE_INFINITY ||
      counts.at(-1) !== count
    )
      throw new Error(`the histogram ${name}${labels} does not add up`)
  }
}

export const readPrometheusText = (text: string): ReadonlyMap<string, Family> => {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let helped: { name: string; help: string } | undefined
  let family: Family | undefined
  for (const one of text.slice(0, -1).split('\n')) {
    const [, what, name, rest] = head.exec(one) ?? []
    if (what === 'HELP') helped = { name: name!, help: unescaped(rest!) }
    else if (what === 'TYPE') {
      if (helped?.name !== name) throw new Error(`${name} has no help`)
      if (families.has(name!)) throw new Error(`${name} comes twice`)
      family = { name: name!, type: rest!, help: helped!.help, samples: [] }
      families.set(name!, family)
    } else {
      const [, sample, labels = '', value] = line.exec(one) ?? []
      if (sample === undefined || family === undefined || !belongs(family, sample))
        throw new Error(`a line that cannot be read, or is in the wrong place: ${one}`)
      const key = `${sample}{${labels}}`
      if (seen.has(key)) throw new Error(`${key} comes twice`)
      seen.add(key)
      family.samples.push({ name: sample, labels: readLabels(labels), value: readNumber(value!) })
    }
  }
  for (const one of families.values()) if (one.type === 'histogram') checkHistogram(one)
  return families
}
