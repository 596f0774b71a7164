/** Forms of one letter (RFC 3261 7.3.3 and the extensions that registered one). */
const compactForms: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
}

/** Lower case and long: 'i' and 'Call-ID' are both 'call-id'. */
export const headerName = (name: string): string => {
  const lower = name.toLowerCase()
  return lower.length === 1 ? (compactForms[lower] ?? lower) : lower
}

/** The headers of one message in their order. Names are asked for in lower case and long form. */
export class HeaderList {
  readonly #names: string[] = []
  readonly #values: string[] = []

  get length(): number {
    return this.#names.length
  }

  add(name: string, value: string): void {
    this.#names.push(headerName(name))
    this.#values.push(value)
  }

  /** The first line of that name. */
  get(name: string): string | undefined {
    const at = this.#names.indexOf(name)
    return at < 0 ? undefined : this.#values[at]
  }

  has(name: string): boolean {
    return this.#names.includes(name)
  }

  /** Every line of that name, unsplit. */
  lines(name: string): string[] {
    return this.#values.filter((_, at) => this.#names[at] === name)
  }

  /** Every element of a header that is a comma-separated list (Via, Route, Contact, Supported…). */
  list(name: string): string[] {
    const lines = this.lines(name)
    return lines.length === 0 ? lines : lines.flatMap(splitList)
  }

  /** Whether a list of tokens names `token`, whatever its case. */
  names(name: string, token: string): boolean {
    return this.list(name).some(entry => entry.toLowerCase() === token)
  }

  /** Replaces the first line of that name; adds one when there is none. */
  setFirst(name: string, value: string): void {
    const at = this.#names.indexOf(name)
    if (at < 0) this.add(name, value)
    else this.#values[at] = value
  }

  *[Symbol.iterator](): Generator<readonly [name: string, value: string]> {
    for (const [at, name] of this.#names.entries()) yield [name, this.#values[at]!]
  }
}

/** Splits at the commas that stand neither in quotes nor in angle brackets; elements are trimmed, empty ones left out. */
export const splitList = (line: string): string[] => {
  if (!line.includes(',')) return line === '' ? [] : [line]
  const elements: string[] = []
  let start = 0
  let quoted = false
  let depth = 0
  for (let at = 0; at <= line.length; at++) {
    const c = line.charCodeAt(at)
    if (quoted) {
      if (c === 0x5c) at++
      else if (c === 0x22) quoted = false
    } else if (c === 0x22) quoted = true
    else if (c === 0x3c) depth++
    else if (c === 0x3e) depth = Math.max(0, depth - 1)
    else if (c === 0x2c && depth === 0) {
      elements.push(line.slice(start, at).trim())
      start = at + 1
    }
  }
  elements.push(line.slice(start).trim())
  return elements.filter(element => element !== '')
}
