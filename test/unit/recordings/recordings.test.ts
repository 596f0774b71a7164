import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { holdOpen } from '../../../src/record/open-files.ts'
import { recordingsSchema } from '../../../src/recordings/config.ts'
import { createRecordings } from '../../../src/recordings/recordings.ts'
import { type LogLine, recordingLogger } from '../../helpers/webrtc-gateway.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'recordings-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const write = async (name: string, bytes: number, ageS: number): Promise<string> => {
  const path = join(directory, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, Buffer.alloc(bytes))
  const at = Date.now() / 1000 - ageS
  await utimes(path, at, at)
  return path
}
const start = (config: object, free?: () => number) => {
  const logged: LogLine[] = []
  const recordings = createRecordings({
    config: recordingsSchema.parse({ directory, minFreeBytes: 0, ...config }),
    clock: systemClock,
    log: recordingLogger(logged),
    ...(free && { free: async () => free() }),
  })
  return { recordings, logged }
}
const left = async (): Promise<string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile())
    .map(({ name }) => name)
    .sort()

describe('recordings on the disk', () => {
  test('what is no recording is neither listed nor deleted, links are not followed', async () => {
    await write('live/a.flv', 10, 100)
    await write('b.mp4', 10, 100)
    await write('notes.txt', 10, 1e7)
    await write('.hidden.flv', 10, 1e7)
    symlinkSync('/etc', join(directory, 'etc'))
    const { recordings } = start({ maxBytes: 1 })
    expect((await recordings.list()).map(({ name }) => name)).toEqual(['b.mp4', 'live/a.flv'])
    await recordings.enforce()
    expect(await left()).toEqual(['.hidden.flv', 'notes.txt'])
  })

  test('the oldest go first, never an open or a just written one, each with its numbers in the log', async () => {
    const letGo = holdOpen(await write('open.flv', 500, 9000))
    await write('old.flv', 100, 5000)
    await write('mid.flv', 100, 4000)
    await write('new.flv', 100, 0)
    const { recordings, logged } = start({ maxBytes: 750 })
    await recordings.enforce()
    expect(await left()).toEqual(['mid.flv', 'new.flv', 'open.flv'])
    expect(logged).toEqual([
      {
        level: 'info',
        fields: { recording: 'old.flv', bytes: 100, written: expect.stringMatching(/Z$/) },
        message: 'recording deleted: the oldest, as all have 800 bytes of at most 750',
      },
    ])
    letGo()
    await recordings.enforce()
    expect(await left()).toEqual(['mid.flv', 'new.flv', 'open.flv'])
  })

  test('rounds at the same time delete nothing twice', async () => {
    for (let i = 0; i < 10; i += 1) await write(`${i}.flv`, 100, 1000 - i)
    const { recordings, logged } = start({ maxBytes: 500 })
    await Promise.all([recordings.enforce(), recordings.enforce(), recordings.enforce()])
    expect(await left()).toEqual(['5.flv', '6.flv', '7.flv', '8.flv', '9.flv'])
    expect(logged).toHaveLength(5)
  })

  test('without room a recording is refused with the numbers; old ones make room first', async () => {
    let free = 100
    const { recordings } = start({ minFreeBytes: 1000 }, () => free)
    await expect(recordings.admit()).rejects.toMatchObject({
      code: 'no-space',
      message: expect.stringContaining('has 100 bytes left, recordings.minFreeBytes is 1000'),
    })
    await write('old.flv', 950, 1000)
    const whenGone = start({ minFreeBytes: 1000 }, () => free)
    const round = whenGone.recordings.enforce().then(() => {
      free = 1050
    })
    await round
    await expect(whenGone.recordings.admit()).resolves.toBeUndefined()
    expect(await left()).toEqual([])
  })

  test('one that is in use, elsewhere or absent is not deleted on request', async () => {
    const letGo = holdOpen(await write('a.flv', 10, 100))
    const { recordings, logged } = start({})
    await expect(recordings.remove('a.flv')).rejects.toMatchObject({ code: 'busy' })
    await expect(recordings.remove('../a.flv')).rejects.toMatchObject({ code: 'bad-name' })
    await expect(recordings.remove('b.flv')).rejects.toMatchObject({ code: 'not-found' })
    await write('notes.txt', 10, 0)
    await expect(recordings.remove('notes.txt')).rejects.toMatchObject({ code: 'not-found' })
    letGo()
    await recordings.remove('a.flv')
    expect(await left()).toEqual(['notes.txt'])
    expect(logged.map(({ message }) => message)).toEqual(['recording deleted on request'])
  })

  test('half files of jobs that were killed go, what is still written and what looks like them stays', async () => {
    await write('live/.cam.mp4.1f3a9c02.part', 10, 100)
    await write('.cam.mp4.00000000.part', 10, 0)
    for (const name of ['.cam.mp4.part', 'cam.mp4.1f3a9c02.part', '.x.1f3a9c0.part'])
      await write(name, 10, 100)
    const { recordings, logged } = start({})
    await recordings.tidy()
    expect(await left()).toEqual([
      '.cam.mp4.00000000.part',
      '.cam.mp4.part',
      '.x.1f3a9c0.part',
      'cam.mp4.1f3a9c02.part',
    ])
    expect(logged).toMatchObject([{ fields: { removed: ['.cam.mp4.1f3a9c02.part'] } }])
    await recordings.tidy()
    expect(logged).toHaveLength(1)
  })

  test('a directory that is not there is empty; one that cannot be read is said once', async () => {
    const { recordings } = start({ directory: join(directory, 'none') })
    expect(await recordings.list()).toEqual([])
    await write('file', 1, 0)
    const broken = start({ directory: join(directory, 'file'), maxBytes: 1 })
    await broken.recordings.enforce()
    await broken.recordings.enforce()
    expect(broken.logged.map(({ level }) => level)).toEqual(['error'])
  })
})
