/** Which ffmpeg there is and what it can make. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const TIMEOUT_MS = 10_000

export interface Ffmpeg {
  readonly path: string
  /** "5.1.9-0+deb12u1" */
  readonly version: string
  readonly encoders: ReadonlySet<string>
  readonly decoders: ReadonlySet<string>
}
/** What was found, or the sentence that says why there is nothing. */
export type FoundFfmpeg = { readonly ffmpeg: Ffmpeg } | { readonly missing: string }

/** Lines like " A....D libopus   libopus Opus" below the "------" ruler. */
const readCoders = (listing: string): ReadonlySet<string> =>
  new Set([...listing.matchAll(/^ [VAS][.A-Z]{5} (\S+)/gm)].map(match => match[1]!))

const ask = async (path: string, what: string): Promise<string> =>
  (await run(path, ['-hide_banner', what], { timeout: TIMEOUT_MS, maxBuffer: 1 << 22 })).stdout

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')

const look = async (path: string): Promise<FoundFfmpeg> => {
  try {
    const [version, encoders, decoders] = await Promise.all([
      ask(path, '-version'),
      ask(path, '-encoders'),
      ask(path, '-decoders'),
    ])
    const named = /^ffmpeg version (\S+)/.exec(version)?.[1]
    if (named === undefined) return { missing: `${path} is not ffmpeg` }
    return {
      ffmpeg: { path, version: named, encoders: readCoders(encoders), decoders: readCoders(decoders) },
    }
  } catch (error) {
    if (isAbsent(error))
      return {
        missing:
          path === 'ffmpeg'
            ? 'ffmpeg is missing: apt-get install -y ffmpeg'
            : `ffmpeg is missing at ${path}: apt-get install -y ffmpeg`,
      }
    return { missing: `${path} cannot be used: ${error instanceof Error ? error.message : String(error)}` }
  }
}

const found = new Map<string, Promise<FoundFfmpeg>>()

/** Looks once per path; a missing program is looked for again, it may have been installed. Never rejects. */
export const findFfmpeg = async (path = 'ffmpeg'): Promise<FoundFfmpeg> => {
  const looking = found.get(path) ?? look(path)
  found.set(path, looking)
  const result = await looking
  if ('missing' in result) found.delete(path)
  return result
}
