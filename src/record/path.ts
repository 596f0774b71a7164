/** File names from outside become paths under one root, or are refused. */
import { lstatSync, realpathSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { GatewayError } from '../errors.ts'

const MAX_NAME = 512
const MAX_PARTS = 16
const MAX_PART = 200

const refuse = (why: string): never => {
  throw new GatewayError('bad-name', `the file name ${why}`)
}

/** The text itself never gets into the message: it may hold anything. */
const checkName = (name: string): void => {
  if (name === '') refuse('is empty')
  if (name.length > MAX_NAME) refuse(`has ${name.length} characters, at most ${MAX_NAME} fit`)
  if (!name.isWellFormed()) refuse('is not valid Unicode')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  if (/[\u0000-\u001f\u007f\\:*?"<>|%]/.test(name))
    refuse('holds a control character or one of \\ : * ? " < > | %')
  const parts = name.split('/')
  if (parts.length > MAX_PARTS) refuse(`has ${parts.length} parts, at most ${MAX_PARTS} fit`)
  for (const part of parts) checkPart(part)
}

const checkPart = (part: string): void => {
  if (part === '') refuse('is absolute or has an empty part')
  if (part === '.' || part === '..') refuse('holds "." or ".." as a part')
  if (part.startsWith('-') || part.startsWith('.')) refuse('has a part that begins with "-" or "."')
  if (part.endsWith('.') || part.endsWith(' ') || part.startsWith(' '))
    refuse('has a part with a space or dot at its end')
  if (Buffer.byteLength(part) > MAX_PART) refuse(`has a part of more than ${MAX_PART} bytes`)
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/**
 * Where the deepest part of `path` that exists really lies; a link to nowhere exists and cannot be resolved.
 */
const realAncestor = (path: string): string => {
  let at = path
  while (!exists(at)) at = dirname(at)
  try {
    return realpathSync(at)
  } catch (error) {
    throw new GatewayError('forbidden', 'the file name leads over a link to nowhere', { cause: error })
  }
}

/**
 * The absolute path of `name` under `root`. Links on the way are followed, and must end under the root too.
 * Neither needs to exist.
 * @throws GatewayError 'bad-name' for a name that could mean another place, 'forbidden' when a link leads out
 */
export const resolveUnder = (root: string, name: string): string => {
  checkName(name)
  const base = resolve(root)
  const path = join(base, name)
  const realRoot = realAncestor(base)
  const real = realAncestor(path)
  // Where the root itself does not exist yet, both end at the same ancestor.
  if (real !== realRoot && !real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw new GatewayError('forbidden', 'the file name leads over a link out of its directory')
  }
  return path
}
