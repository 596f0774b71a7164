/** Sound files as samples: decoded once by ffmpeg, kept for every call. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { GatewayError } from '../../../errors.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 20_000
/** Nobody listens to a greeting for longer; also what bounds the memory. */
const MAX_SECONDS = 300
const MAX_KEPT = 64

const kept = new Map<string, Promise<Int16Array>>()

const decode = async (ffmpeg: string, path: string, rate: number): Promise<Int16Array> => {
  const input = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-t', String(MAX_SECONDS)]
  const output = ['-map', '0:a:0', '-ac', '1', '-ar', String(rate), '-f', 's16le', 'pipe:1']
  const options = {
    encoding: 'buffer',
    maxBuffer: MAX_SECONDS * rate * 2 + 4096,
    timeout: TIMEOUT_MS,
  } as const
  const { stdout } = await run(ffmpeg, [...input, '-i', `file:${path}`, ...output], options)
  return new Int16Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + (stdout.length & ~1)))
}

/**
 * One channel of 16 bits at `rate`. A file that has changed is read anew.
 * @throws GatewayError 'io-failed' with what ffmpeg said
 */
export const decodeFile = async (ffmpeg: string, path: string, rate: number): Promise<Int16Array> => {
  try {
    const { mtimeMs, size } = await stat(path)
    const key = `${path} ${rate} ${mtimeMs} ${size}`
    const found = kept.get(key) ?? decode(ffmpeg, path, rate)
    kept.set(key, found)
    if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!)
    found.catch(() => kept.delete(key))
    return await found
  } catch (cause) {
    const { stderr, message } = cause as Error & { readonly stderr?: Buffer }
    const said = (stderr?.toString().trim() || message).slice(0, 300)
    throw new GatewayError('io-failed', `${path} cannot be played: ${said}`, { cause })
  }
}
