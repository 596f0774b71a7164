/** Text that nothing may show. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { z } from 'zod'

const mask = '***'
const salt = randomBytes(16)
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A key or password. Printed, inspected and put into JSON it is `***`; only `reveal` gives the text. */
export class Secret {
  /** Differs when the text differs, so that two configurations compare; tells nothing, as its salt is never shown. */
  readonly fingerprint: string
  readonly #text: string

  constructor(text: string) {
    this.#text = text
    this.fingerprint = createHmac('sha256', salt).update(text).digest('base64url').slice(0, 12)
  }

  /** In constant time, whatever the lengths. */
  equals(given: string): boolean {
    return timingSafeEqual(digest(given), digest(this.#text))
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return mask
  }

  toJSON(): string {
    return mask
  }

  [inspect.custom](): string {
    return mask
  }
}

const fromEnvironment = (name: string): string => {
  const text = process.env[name]
  if (text === undefined || text === '') throw new Error(`the environment variable ${name} is not set`)
  return text
}

/** One line, as `echo` and editors end files. */
const fromFile = (path: string): string => {
  const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  if (text === '') throw new Error(`${path} is empty`)
  return text
}

/** The text itself, or what stands where it says. @throws Error with the name of a variable or file that has nothing */
export const readSecret = (text: string): string => {
  if (text.startsWith('env:')) return fromEnvironment(text.slice('env:'.length))
  return text.startsWith('file:') ? fromFile(text.slice('file:'.length)) : text
}

/** In the configuration: the text itself, or where it stands, as `env:NAME` or `file:PATH`. */
export const secretSchema = (shortest = 8) =>
  z.string().transform((text, context) => {
    try {
      const found = readSecret(text)
      if (found.length >= shortest) return new Secret(found)
      context.addIssue({
        code: 'custom',
        message: `is too short: at least ${shortest} characters are wanted`,
      })
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
    return z.NEVER
  })
