/** The one grammar of stream names. Every edge that reads a name from outside parses it here, once. */
import { GatewayError } from '../errors.ts'

const longest = 255
const longestSegment = 128
const deepest = 8
/** Letters, digits, `_`, `-`, `.`, `~`; the first is a letter, a digit or `_`: no `..`, no `-rf`, no dot file. */
const segment = /^[A-Za-z0-9_][A-Za-z0-9_.~-]*$/

const refuse = (why: string): never => {
  throw new GatewayError('bad-name', why)
}

const checkSegment = (part: string): void => {
  if (part === '') refuse('it has an empty part (a leading, trailing or doubled slash)')
  if (part.length > longestSegment)
    refuse(`a part has ${part.length} characters, at most ${longestSegment} fit`)
  if (part.includes('..')) refuse('it holds ".."')
  if (part.endsWith('.')) refuse('a part ends in a dot')
  if (!segment.test(part)) refuse(`a part holds other than A-Z a-z 0-9 _ - . ~, or starts with - . or ~`)
}

/**
 * Checks a name that was percent-decoded exactly once: parts of `A-Z a-z 0-9 _ - . ~` joined by `/`, "live/cam".
 * Never repeats hostile text in its error.
 * @throws GatewayError 'bad-name' with the reason
 */
export const parseStreamName = (text: string): string => {
  if (typeof text !== 'string') return refuse('it is not text')
  if (text === '') return refuse('it is empty')
  if (text.length > longest) return refuse(`it has ${text.length} characters, at most ${longest} fit`)
  const parts = text.split('/')
  if (parts.length > deepest) return refuse(`it has ${parts.length} parts, at most ${deepest} fit`)
  for (const part of parts) checkSegment(part)
  return text
}
