import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { GatewayError } from '../../../src/errors.ts'
import { writeMetadata } from '../../../src/media/flv/metadata.ts'
import type { FlvTag } from '../../../src/media/flv/types.ts'
import { type FlvFileHandle, openFlvFile } from '../../../src/record/flv-file.ts'
import { parseFlv, readTags } from '../../helpers/flv.ts'
import { aacFrames, h264Frames } from '../../helpers/media-fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'flv-file-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const fresh = (): string => join(folder, 'new', `${++count}.flv`)

const params = [h264Frames('h264-baseline')[0]!.params, aacFrames('aac-44100-stereo')[0]!.params]
const metadata: FlvTag = { type: 18, timestampMs: 5_000, body: writeMetadata(params) }
const tag = (i: number): FlvTag => ({
  type: i % 2 === 0 ? 9 : 8,
  timestampMs: 5_000 + i * 20,
  body: new Uint8Array(100).fill(i),
})
const noFailure = (error: GatewayError): never => {
  throw error
}

/** A disk in memory of limited size that writes in pieces. */
const smallDisk = (limit: number, code = 'ENOSPC') => {
  const disk = { bytes: new Uint8Array(0), closed: false, truncated: -1 }
  const handle: FlvFileHandle = {
    writev: async (buffers, position) => {
      const all = Buffer.concat(buffers).subarray(0, 300)
      const fits = Math.min(all.length, limit - position)
      if (fits <= 0) throw Object.assign(new Error(`${code}: no space left on device, write`), { code })
      const bytes = new Uint8Array(Math.max(disk.bytes.length, position + fits))
      bytes.set(disk.bytes)
      bytes.set(all.subarray(0, fits), position)
      disk.bytes = bytes
      return { bytesWritten: fits }
    },
    truncate: async length => {
      disk.truncated = length
      disk.bytes = disk.bytes.slice(0, length)
    },
    close: async () => {
      disk.closed = true
    },
  }
  return { disk, create: async () => handle }
}

describe('a recording', () => {
  test('starts at 0 and has duration, size and flags when it is closed', async () => {
    const path = fresh()
    const file = await openFlvFile({ path, onFailure: noFailure })
    file.write(metadata)
    for (let i = 0; i < 50; i += 1) file.write(tag(i))
    await file.close()
    const bytes = readFileSync(path)
    const parsed = parseFlv(bytes)
    expect(parsed.damage).toEqual([])
    expect(parsed.tags.map(({ timestampMs }) => timestampMs)).toEqual([
      0,
      ...Array.from({ length: 50 }, (_, i) => i * 20),
    ])
    expect(bytes[4]).toBe(5)
    const [data] = readTags(parsed.tags).metadata
    expect(data).toMatchObject({ duration: 1.02, filesize: bytes.length, hasVideo: true, hasAudio: true })
    expect([file.bytes, file.backlog, file.durationMs]).toEqual([bytes.length, 0, 1020])
  })

  test('of a stream that is live for long begins at 0, whatever time its metadata says', async () => {
    const path = fresh()
    const file = await openFlvFile({ path, onFailure: noFailure })
    file.write({ ...metadata, timestampMs: 0 })
    for (let i = 0; i < 3; i += 1) file.write(tag(i))
    await file.close()
    const parsed = parseFlv(readFileSync(path))
    expect(parsed.tags.map(({ timestampMs }) => timestampMs)).toEqual([0, 0, 20, 40])
    // Every other tag is a picture, and the last lasts as long as the one before it.
    expect(file.durationMs).toBe(80)
  })

  test('is a whole file after each tag, before it is closed', async () => {
    const path = fresh()
    const file = await openFlvFile({ path, onFailure: noFailure })
    for (let i = 0; i < 5; i += 1) {
      file.write(tag(i))
      await expect.poll(() => parseFlv(readFileSync(path)).tags.length).toBe(i + 1)
      expect(parseFlv(readFileSync(path)).damage).toEqual([])
    }
    await file.close()
  })

  test('without a tag is still an FLV file', async () => {
    const path = fresh()
    const file = await openFlvFile({ path, onFailure: noFailure })
    await file.close()
    await file.close()
    expect(parseFlv(readFileSync(path))).toMatchObject({ tags: [], damage: [] })
  })

  test('says which kinds it really has', async () => {
    const path = fresh()
    const file = await openFlvFile({ path, onFailure: noFailure })
    file.write(tag(1))
    await file.close()
    expect(readFileSync(path)[4]).toBe(4)
  })

  test('never overwrites', async () => {
    const path = fresh()
    const file = await openFlvFile({ path, onFailure: noFailure })
    await expect(openFlvFile({ path, onFailure: noFailure })).rejects.toMatchObject({ code: 'bad-request' })
    await file.close()
  })

  test('a directory that cannot be written is said', async () => {
    const file = fresh()
    await (await openFlvFile({ path: file, onFailure: noFailure })).close()
    const path = join(file, 'below', 'a.flv')
    await expect(openFlvFile({ path, onFailure: noFailure })).rejects.toMatchObject({ code: 'io-failed' })
  })
})

describe('a disk that fails', () => {
  test.each(['ENOSPC', 'EIO'])('%s: ends once, with the reason, whole up to the last tag', async code => {
    const { disk, create } = smallDisk(2_000, code)
    const failures: GatewayError[] = []
    const file = await openFlvFile({
      path: 'full.flv',
      onFailure: error => void failures.push(error),
      create,
    })
    file.write(metadata)
    for (let i = 0; i < 100; i += 1) {
      file.write(tag(i))
      await new Promise(resolve => setImmediate(resolve))
    }
    await file.close()
    expect(failures).toMatchObject([{ code: 'io-failed', message: expect.stringContaining(code) }])
    expect(disk.closed).toBe(true)
    const parsed = parseFlv(disk.bytes)
    expect(parsed.damage).toEqual([])
    expect(parsed.tags.length).toBeGreaterThan(5)
    expect(readTags(parsed.tags).metadata[0]).toMatchObject({ filesize: disk.bytes.length })
    expect(file.backlog).toBe(0)
  })

  test('a close that fails is a failure too, not an exception', async () => {
    const { create } = smallDisk(100_000)
    const failures: GatewayError[] = []
    const failing = async (): Promise<FlvFileHandle> => ({
      ...(await create()),
      close: async () => {
        throw new Error('EIO: i/o error, close')
      },
    })
    const file = await openFlvFile({
      path: 'x',
      onFailure: error => void failures.push(error),
      create: failing,
    })
    file.write(tag(0))
    await file.close()
    expect(failures.length).toBe(1)
  })
})
