import { mkdtemp, rmdir, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { byteCount } from '../words.ts'
import type { Finding } from './finding.ts'

/** About an hour of a stream of 2.5 Mbit/s. */
const comfortableBytes = 1e9

const nearestFolder = async (path: string): Promise<string> => {
  const there = await stat(path).catch(() => undefined)
  return there !== undefined || dirname(path) === path ? path : nearestFolder(dirname(path))
}

/** `directory` need not exist yet. */
export const checkDisk = async (directory: string, minFreeBytes: number): Promise<Finding> => {
  const check = 'recordings'
  const path = resolve(directory)
  const folder = await nearestFolder(path)
  try {
    // Permissions alone do not tell: the file system may be read-only.
    await rmdir(await mkdtemp(join(folder, '.crosspoint-')))
  } catch (error) {
    const detail = `${path} cannot be written: ${(error as Error).message}`
    return { check, state: 'fail', detail, mend: 'set recordings.directory, or --recordings DIR' }
  }
  const { bavail, bsize } = await statfs(folder)
  const detail = `${path} has ${byteCount(bavail * bsize)} left`
  if (bavail * bsize >= Math.max(comfortableBytes, minFreeBytes)) return { check, state: 'ok', detail }
  const wanted =
    minFreeBytes > comfortableBytes ? `, recordings.minFreeBytes wants ${byteCount(minFreeBytes)}` : ''
  return { check, state: 'warn', detail: detail + wanted, mend: 'make room, or record elsewhere' }
}
