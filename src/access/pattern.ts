/** Which streams a rule or a token is about: `live/cam`, `live/*` (one part), `live/**` (one part or more). */

const deepest = 8
const longest = 255
const part = /^[A-Za-z0-9_.~*-]+$/

export const isPattern = (text: string): boolean => {
  const parts = text.split('/')
  return text.length <= longest && parts.length <= deepest && parts.every(each => part.test(each))
}

/** Steps forward only, so that no pattern takes long. */
const matchesPart = (glob: string, name: string): boolean => {
  if (glob === '*') return true
  const [first = '', ...rest] = glob.split('*')
  const last = rest.pop()
  if (last === undefined) return glob === name
  if (!name.startsWith(first) || !name.endsWith(last)) return false
  let at = first.length
  for (const piece of rest) {
    const found = name.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= name.length - last.length
}

/** `**` stands for none or more parts, at the end for one or more: `live/**` is not `live`. */
const matchesParts = (globs: readonly string[], names: readonly string[]): boolean => {
  const [glob, ...globsLeft] = globs
  const [name, ...namesLeft] = names
  if (glob === undefined || name === undefined) return glob === undefined && name === undefined
  if (glob !== '**') return matchesPart(glob, name) && matchesParts(globsLeft, namesLeft)
  return globsLeft.length === 0 || matchesParts(globsLeft, names) || matchesParts(globs, namesLeft)
}

/** Several `**` in a row say no more than one, but would be tried in every combination. */
const partsOf = (pattern: string): readonly string[] =>
  pattern.split('/').filter((glob, i, globs) => glob !== '**' || globs[i + 1] !== '**')

/** `stream` is a checked name, `patterns` are checked by `isPattern`. */
export const matchesAny = (patterns: readonly string[], stream: string): boolean => {
  const names = stream.split('/')
  return patterns.some(pattern => matchesParts(partsOf(pattern), names))
}
