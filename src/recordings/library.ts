/** The files under the recordings directory. */
import { type Dirent, promises as fs } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { GatewayError, toGatewayError } from '../errors.ts'
import { isHeldOpen } from '../record/open-files.ts'
import { resolveUnder } from '../record/path.ts'
import type { KeptFile } from './retention.ts'

export interface Recording extends KeptFile {
  readonly path: string
}

/** Recordings and what jobs make of them; other files are neither listed nor touched. */
const extensions = ['.flv', '.mp4', '.jpg']
/** Another process may be writing a file that was written to so lately. */
const quietMs = 10_000

const isRecording = (entry: Dirent): boolean =>
  entry.isFile() &&
  !entry.name.startsWith('.') &&
  extensions.some(extension => entry.name.toLowerCase().endsWith(extension))

const describe = async (root: string, path: string, nowMs: number): Promise<Recording | undefined> => {
  // Gone meanwhile.
  const found = await fs.stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  const open = isHeldOpen(path) || nowMs - found.mtimeMs < quietMs
  const name = relative(root, path).split(sep).join('/')
  return { name, path, bytes: found.size, modifiedMs: found.mtimeMs, open }
}

/**
 * All recordings, by name; links are not followed. A directory that is not there yet is empty.
 * @throws GatewayError 'io-failed'
 */
export const listRecordings = async (directory: string, nowMs: number): Promise<readonly Recording[]> => {
  const root = resolve(directory)
  const entries = await fs
    .readdir(root, { recursive: true, withFileTypes: true })
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw toGatewayError(error, 'io-failed')
    })
  const paths = entries.filter(isRecording).map(entry => join(entry.parentPath, entry.name))
  const found = await Promise.all(paths.map(path => describe(root, path, nowMs)))
  return found
    .filter(recording => recording !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
}

/**
 * Deletes one recording.
 * @throws GatewayError 'bad-name', 'forbidden', 'not-found', 'busy' while it is in use, 'io-failed'
 */
export const removeRecording = async (directory: string, name: string): Promise<void> => {
  const path = resolveUnder(directory, name)
  if (!extensions.some(extension => name.toLowerCase().endsWith(extension)))
    throw new GatewayError('not-found', 'no recording has this name')
  if (isHeldOpen(path)) throw new GatewayError('busy', `${name} is being written or read by a job`)
  await fs.unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new GatewayError('not-found', 'no recording has this name')
    throw toGatewayError(error, 'io-failed')
  })
}

/** What jobs write into until it is whole: `.cam.mp4.1f3a9c02.part`. */
const leftover = /^\..+\.[0-9a-f]{8}\.part$/

/** Deletes what jobs of a gateway that was killed have left; returns the names. One that is still written stays. */
export const removeLeftovers = async (directory: string, nowMs: number): Promise<readonly string[]> => {
  const options = { recursive: true, withFileTypes: true } as const
  const entries = await fs.readdir(resolve(directory), options).catch(() => [])
  const removed: string[] = []
  for (const entry of entries.filter(({ name }) => leftover.test(name))) {
    const path = join(entry.parentPath, entry.name)
    const found = await fs.lstat(path).catch(() => undefined)
    if (found?.isFile() !== true || isHeldOpen(path) || nowMs - found.mtimeMs < quietMs) continue
    await fs.unlink(path).then(
      () => removed.push(entry.name),
      () => undefined,
    )
  }
  return removed
}

/** Bytes that the disk under `directory` has left for us; the directory need not exist yet. */
export const freeBytes = async (directory: string): Promise<number> => {
  for (let at = resolve(directory); ; at = resolve(at, '..')) {
    try {
      const { bavail, bsize } = await fs.statfs(at)
      return bavail * bsize
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isMissing || at === resolve(at, '..')) throw toGatewayError(error, 'io-failed')
    }
  }
}
