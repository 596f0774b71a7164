/** A growing FLV file that is whole after every tag, however the process ends. */
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GatewayError } from '../errors.ts'
import { TAG_HEADER_BYTES, TRAILER_BYTES, writeFileHeader, writeTagHeader } from '../media/flv/file.ts'
import { DURATION_AT, FILESIZE_AT } from '../media/flv/metadata.ts'
import type { FlvTag } from '../media/flv/types.ts'
import { holdOpen } from './open-files.ts'

/** The part of a FileHandle that is used. */
export interface FlvFileHandle {
  writev(buffers: readonly Uint8Array[], position: number): Promise<{ readonly bytesWritten: number }>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}
export interface FlvFileOptions {
  readonly path: string
  /** Once: writing has failed, the file holds everything before. */
  onFailure(error: GatewayError): void
  /** Makes the new file; the default creates missing directories and refuses what exists. */
  readonly create?: (path: string) => Promise<FlvFileHandle>
}
export interface FlvFile {
  /** Queues a tag and writes it at once if nothing is under way. Times are shifted so that those of media begin at 0. */
  write(tag: FlvTag): void
  /** Bytes that are not yet in the file. */
  readonly backlog: number
  /** Bytes and milliseconds of media so far, queued ones included. */
  readonly bytes: number
  readonly durationMs: number
  /** Writes what is queued, then duration, size and flags over the front. Idempotent, never throws. */
  close(): Promise<void>
}

const HEADER = writeFileHeader(true, true)
/** The body of the first tag. */
const FIRST_BODY_AT = HEADER.length + TAG_HEADER_BYTES
const FLAGS_AT = 4
const HAS_AUDIO = 4
const HAS_VIDEO = 1

const createNew = async (path: string): Promise<FlvFileHandle> => {
  await mkdir(dirname(path), { recursive: true })
  return open(path, 'wx')
}

const openError = (path: string, error: NodeJS.ErrnoException): GatewayError =>
  error.code === 'EEXIST'
    ? new GatewayError('bad-request', `${path} is there already, and nothing is overwritten`)
    : new GatewayError('io-failed', error.message, { cause: error })

const sizeOf = (buffers: readonly Uint8Array[]): number =>
  buffers.reduce((sum, { length }) => sum + length, 0)

/** What `written` bytes leave of the buffers. */
const after = (buffers: readonly Uint8Array[], written: number): Uint8Array[] => {
  let skip = written
  const rest: Uint8Array[] = []
  for (const buffer of buffers) {
    if (skip < buffer.length) rest.push(buffer.subarray(skip))
    skip = Math.max(0, skip - buffer.length)
  }
  return rest
}

const writeAll = async (handle: FlvFileHandle, buffers: readonly Uint8Array[], at: number): Promise<void> => {
  let [rest, position] = [buffers, at]
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, position)
    if (bytesWritten === 0) throw new Error('nothing could be written')
    position += bytesWritten
    rest = after(rest, bytesWritten)
  }
}

const float64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return bytes
}
const uint32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/**
 * Times from 0. Tracks are written as they come: a little out of order between each other, as in every live
 * FLV, but never within one track.
 */
const createFileTime = () => {
  let base: number | undefined
  const last = { 8: 0, 9: 0, 18: 0 }
  let step = 0
  let end = 0
  return {
    place({ type, timestampMs }: FlvTag): number {
      // Metadata says 0 whenever it is written: the first picture or sound tells where the file begins.
      if (type === 18 && base === undefined) return 0
      base ??= timestampMs
      const ms = Math.max(last[type], timestampMs - base)
      if (ms > last[type]) step = ms - last[type]
      last[type] = ms
      // The last tag is taken to last as long as the one before it.
      end = Math.max(end, ms + step)
      return ms
    },
    durationMs: (): number => end,
  }
}

/**
 * Makes a new file. The first tag should be the script tag of `writeMetadata`, whose duration and file size
 * are set on close.
 * @throws GatewayError 'bad-request' when the file exists, 'io-failed' when it cannot be made
 */
export const openFlvFile = async ({
  path,
  onFailure,
  create = createNew,
}: FlvFileOptions): Promise<FlvFile> => {
  const handle = await create(path).catch((error: unknown) => {
    throw openError(path, error as NodeJS.ErrnoException)
  })
  const letGo = holdOpen(path)
  const time = createFileTime()
  let queue: Uint8Array[] = [HEADER]
  let queued = HEADER.length
  let written = 0
  let flags = 0
  let hasMetadata: boolean | undefined
  let failed = false
  let closing: Promise<void> | undefined
  let flushing: Promise<void> | undefined

  /** Buffers are always whole tags: a process that dies between two writes leaves a whole file. */
  const flush = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue
      queue = []
      const size = sizeOf(batch)
      await writeAll(handle, batch, written)
      written += size
      queued -= size
    }
    flushing = undefined
  }

  /** Duration and size make players show a time line; without them the file plays all the same. */
  const patch = async (): Promise<void> => {
    await writeAll(handle, [Uint8Array.of(flags)], FLAGS_AT)
    if (hasMetadata !== true) return
    await writeAll(handle, [float64(time.durationMs() / 1000)], FIRST_BODY_AT + DURATION_AT)
    await writeAll(handle, [float64(written)], FIRST_BODY_AT + FILESIZE_AT)
  }

  /** Drops half a tag at the end, closes, and lets the first error out. */
  const fail = async (error: unknown): Promise<void> => {
    if (failed) return
    failed = true
    queue = []
    queued = 0
    await handle.truncate(written).catch(() => {})
    await patch().catch(() => {})
    await handle.close().catch(() => {})
    letGo()
    const { message } = error as Error
    onFailure(new GatewayError('io-failed', `${path} after ${written} bytes: ${message}`, { cause: error }))
  }

  const start = (): void => {
    flushing ??= flush().catch(fail)
  }

  const finish = async (): Promise<void> => {
    await flushing
    if (failed) return
    await patch()
      .then(() => handle.close())
      .then(letGo)
      .catch(fail)
  }

  start()
  return {
    write(tag) {
      if (failed || closing !== undefined) return
      hasMetadata ??= tag.type === 18
      if (tag.type !== 18) flags |= tag.type === 8 ? HAS_AUDIO : HAS_VIDEO
      const header = writeTagHeader(tag.type, time.place(tag), tag.body.length)
      queue.push(header, tag.body, uint32(TAG_HEADER_BYTES + tag.body.length))
      queued += TAG_HEADER_BYTES + tag.body.length + TRAILER_BYTES
      start()
    },
    get backlog() {
      return queued
    },
    get bytes() {
      return written + queued
    },
    get durationMs() {
      return time.durationMs()
    },
    close() {
      closing ??= finish()
      return closing
    },
  }
}
