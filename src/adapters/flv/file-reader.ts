/** The tags of an FLV file, from the beginning or from a moment in it. */
import { type FileHandle, open } from 'node:fs/promises'
import { GatewayError } from '../../errors.ts'
import { createFlvParser } from '../../media/flv/parser.ts'
import { tagRole } from '../../media/flv/tag-role.ts'
import type { FlvTag } from '../../media/flv/types.ts'

const CHUNK_BYTES = 256 * 1024

export interface Placed {
  readonly tag: FlvTag
  /** Offset in the file. */
  readonly position: number
}
/** Where to begin, and what a decoder needs before that. */
export interface StartPoint {
  readonly position: number
  readonly preface: readonly FlvTag[]
}
export type SayDamage = (cause: string, bytes: number) => void

/** @throws GatewayError 'not-found', or 'io-failed' with the system's reason */
export const openFile = async (path: string): Promise<FileHandle> => {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new GatewayError('not-found', `the file ${path}`, { cause: error })
    throw new GatewayError('io-failed', message, { cause: error })
  }
  throw new GatewayError('bad-url', `${path} is not a file`)
}

/**
 * Tags in file order, in batches. `from` is the position of a tag; 0 is the file header.
 * @throws GatewayError 'malformed' when it is not FLV, 'io-failed'
 */
export async function* readPlaced(
  file: FileHandle,
  from: number,
  onDamage: SayDamage,
): AsyncGenerator<readonly Placed[]> {
  let batch: Placed[] = []
  const onTag = (tag: FlvTag, position: number): void => void batch.push({ tag, position: from + position })
  const parser = createFlvParser({ onTag, onDamage }, { header: from === 0 })
  for (let at = from; ; ) {
    // A fresh buffer each time: frames go on to live in it.
    const buffer = new Uint8Array(CHUNK_BYTES)
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at).catch((error: Error) => {
      throw new GatewayError('io-failed', error.message, { cause: error })
    })
    if (bytesRead === 0) break
    at += bytesRead
    parser.push(buffer.subarray(0, bytesRead))
    if (batch.length > 0) yield batch
    batch = []
  }
  parser.end()
  if (batch.length > 0) yield batch
}

/**
 * The last key frame at or before `startMs` of the file's own time; without video, the last tag before it.
 * @throws GatewayError 'bad-request' when the file ends before
 */
export const findStart = async (file: FileHandle, startMs: number): Promise<StartPoint> => {
  const heads = new Map<string, FlvTag>()
  let first: number | undefined
  let found: StartPoint | undefined
  let hasKey = false
  let last = 0
  for await (const batch of readPlaced(file, 0, () => {})) {
    for (const { tag, position } of batch) {
      const role = tagRole(tag)
      if (role === 'metadata' || role === 'config') {
        heads.set(`${role} ${tag.type}`, tag)
        continue
      }
      first ??= tag.timestampMs
      last = tag.timestampMs - first
      if (last > startMs && found !== undefined) return found
      if (role !== 'key' && hasKey) continue
      hasKey ||= role === 'key'
      if (role === 'key' || tag.type === 8) found = { position, preface: [...heads.values()] }
    }
  }
  if (found === undefined || last < startMs) {
    throw new GatewayError('bad-request', `it starts at ${startMs / 1000} s, but lasts ${last / 1000} s`)
  }
  return found
}
