import { execFile } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { chmod, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createScope } from '../../src/core/scope.ts'
import type { CloseReason } from '../../src/core/types.ts'
import { GatewayError } from '../../src/errors.ts'
import { createFileTool } from '../../src/jobs/file-tool.ts'
import type { JobInfo } from '../../src/jobs/job.ts'
import { createJobs, type Jobs } from '../../src/jobs/jobs.ts'
import { type JobInput, jobRequest } from '../../src/jobs/request.ts'
import { holdOpen } from '../../src/record/open-files.ts'
import { resolveUnder } from '../../src/record/path.ts'
import { clip, contentHashes, packetHashes } from '../helpers/clip.ts'
import { isGone } from '../helpers/processes.ts'
import { until } from '../helpers/program.ts'
import { recordingLogger } from '../helpers/webrtc-gateway.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'jobs-'))
const directory = join(folder, 'recordings')
const pids = join(folder, 'pids')
let slow = ''
beforeAll(async () => {
  // Real ffmpeg that reads five times faster than a player would, so that there is something to see on the way.
  slow = join(folder, 'slow')
  writeFileSync(
    slow,
    `#!/bin/sh\ncase "$*" in *-progress*) echo $$ >> ${pids}; exec ffmpeg -readrate 5 "$@";; *) exec ffmpeg "$@";; esac\n`,
  )
  await chmod(slow, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(async () => {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(join(directory, 'live'), { recursive: true })
  copyFileSync(await clip({ seconds: 12, gop: 25 }), join(directory, 'live/cam.flv'))
  rmSync(pids, { force: true })
})

interface Options {
  readonly ffmpeg?: string
  readonly waiting?: number
  readonly admit?: () => Promise<void>
}
const start = ({ ffmpeg = 'ffmpeg', waiting = 100, admit = async () => undefined }: Options = {}) => {
  const scope = createScope('test')
  const jobs = createJobs({
    tool: createFileTool(() => ffmpeg),
    limits: () => ({ atOnce: 1, waiting }),
    resolveFile: name => resolveUnder(directory, name),
    admit,
    clock: systemClock,
    scope,
    log: recordingLogger([]),
  })
  const add = (request: JobInput): Promise<JobInfo> => jobs.add(jobRequest.parse(request))
  return { jobs, add, scope, close: (reason?: CloseReason) => scope.close(reason) }
}
const over = async (jobs: Jobs, { id }: JobInfo): Promise<JobInfo> => {
  await until(`job ${id} ends`, () => !['queued', 'running'].includes(jobs.find(id)?.state ?? ''))
  return jobs.find(id)!
}
const at = (name: string): string => join(directory, name)
const probe = async (name: string): Promise<Record<string, string>> => {
  const entries = 'format=duration:stream=codec_name,width,height'
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'flat', at(name)])
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map(line => line.replaceAll('"', '').split('=') as [string, string]),
  )
}
const everything = async (): Promise<string[]> => (await readdir(directory, { recursive: true })).sort()

describe('what jobs make', () => {
  test('remux: every packet of the recording, the index in front', async () => {
    const { jobs, add } = start()
    const job = await over(jobs, await add({ kind: 'remux', from: 'live/cam.flv', to: 'out/cam.mp4' }))
    expect(job).toMatchObject({
      state: 'done',
      progress: 1,
      error: undefined,
      bytes: statSync(at('out/cam.mp4')).size,
    })
    const bytes = readFileSync(at('out/cam.mp4'))
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'))
    const [before, after] = await Promise.all([
      packetHashes(at('live/cam.flv')),
      packetHashes(at('out/cam.mp4')),
    ])
    expect(contentHashes(after, 0)).toEqual(contentHashes(before, 0))
    expect(contentHashes(after, 1)).toEqual(contentHashes(before, 1))
    expect(await everything()).toEqual(['live', 'live/cam.flv', 'out', 'out/cam.mp4'])
  })

  test.each(['cut.mp4', 'cut.flv'])('cut %s: what was asked for, from the key frame before', async to => {
    const { jobs, add } = start()
    const job = await over(
      jobs,
      await add({ kind: 'cut', from: 'live/cam.flv', to, start: 3.5, duration: 4 }),
    )
    expect(job.error).toBeUndefined()
    const seconds = Number((await probe(to))['format.duration'])
    expect(seconds).toBeGreaterThanOrEqual(4)
    expect(seconds).toBeLessThan(5.1)
    const [whole, part] = await Promise.all([packetHashes(at('live/cam.flv')), packetHashes(at(to))])
    // 25 pictures a second, a key frame each second: it begins with the picture of the third second.
    expect(contentHashes(part, 0)[0]).toBe(contentHashes(whole, 0)[75])
  })

  test('thumbnail: a JPEG of that moment, as wide as asked for, never wider than the picture', async () => {
    const { jobs, add } = start()
    await over(jobs, await add({ kind: 'thumbnail', from: 'live/cam.flv', to: 'a.jpg', at: 5, width: 160 }))
    await over(jobs, await add({ kind: 'thumbnail', from: 'live/cam.flv', to: 'b.jpg', at: 5 }))
    const size = async (name: string) => {
      const found = await probe(name)
      return [
        found['streams.stream.0.codec_name'],
        found['streams.stream.0.width'],
        found['streams.stream.0.height'],
      ]
    }
    expect(await size('a.jpg')).toEqual(['mjpeg', '160', '90'])
    expect(await size('b.jpg')).toEqual(['mjpeg', '320', '180'])
  })
})

describe('on the way', () => {
  test('progress grows from 0 to 1, one job at a time, in their order', async () => {
    const { jobs, add } = start({ ffmpeg: slow })
    const first = await add({ kind: 'remux', from: 'live/cam.flv', to: 'a.mp4' })
    const second = await add({ kind: 'cut', from: 'live/cam.flv', to: 'b.mp4', duration: 1 })
    expect([first.state, second.state]).toEqual(['running', 'queued'])
    const seen: number[] = []
    await until('the first ends', () => {
      const [one, two] = jobs.list()
      if (one!.state === 'running') expect(two!.state).toBe('queued')
      if (seen.at(-1) !== one!.progress) seen.push(one!.progress)
      return one!.state === 'done'
    })
    expect(seen.length).toBeGreaterThan(3)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen.at(-1)).toBe(1)
    expect((await over(jobs, second)).state).toBe('done')
  })

  test('cancelled: no process, no file, and the next one runs', async () => {
    const { jobs, add } = start({ ffmpeg: slow })
    const first = await add({ kind: 'remux', from: 'live/cam.flv', to: 'a.mp4' })
    const second = await add({ kind: 'remux', from: 'live/cam.flv', to: 'b.mp4' })
    const third = await add({ kind: 'cut', from: 'live/cam.flv', to: 'c.mp4', duration: 1 })
    await until('it is on its way', () => (jobs.find(first.id)?.progress ?? 0) > 0)
    const pid = Number(readFileSync(pids, 'utf8').trim())
    expect(isGone(pid)).toBe(false)
    expect(jobs.remove(second.id)).toBe(true)
    expect(jobs.remove(first.id)).toBe(true)
    expect((await over(jobs, first)).state).toBe('cancelled')
    expect(isGone(pid)).toBe(true)
    expect(jobs.find(second.id)?.state).toBe('cancelled')
    expect((await over(jobs, third)).state).toBe('done')
    expect(await everything()).toEqual(['c.mp4', 'live', 'live/cam.flv'])
    expect(jobs.remove(first.id)).toBe(true)
    expect(jobs.find(first.id)).toBeUndefined()
    expect(jobs.remove(first.id)).toBe(false)
  })

  test('at once after it was added, and when the gateway ends: no process stays', async () => {
    const { jobs, add, close } = start({ ffmpeg: slow })
    const first = await add({ kind: 'remux', from: 'live/cam.flv', to: 'a.mp4' })
    jobs.remove(first.id)
    expect((await over(jobs, first)).state).toBe('cancelled')
    const second = await add({ kind: 'remux', from: 'live/cam.flv', to: 'b.mp4' })
    await until('it is on its way', () => (jobs.find(second.id)?.progress ?? 0) > 0)
    await close()
    for (const pid of readFileSync(pids, 'utf8').trim().split('\n')) expect(isGone(Number(pid))).toBe(true)
    expect(await everything()).toEqual(['live', 'live/cam.flv'])
  })

  test('the queue has a limit', async () => {
    const { add, close } = start({ ffmpeg: slow, waiting: 1 })
    await add({ kind: 'remux', from: 'live/cam.flv', to: 'a.mp4' })
    await add({ kind: 'remux', from: 'live/cam.flv', to: 'b.mp4' })
    await expect(add({ kind: 'remux', from: 'live/cam.flv', to: 'c.mp4' })).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining('1 jobs run and 1 wait, at most 1 and 1'),
    })
    await close()
  })
})

describe('what jobs are not told', () => {
  test.each([
    [{ kind: 'remux', from: 'live/cam.flv', to: 'a.mp4', args: ['-f'] }],
    [{ kind: 'remux', from: 'http://127.0.0.1/a.flv', to: 'a.avi' }],
    [{ kind: 'cut', from: 'a.flv', to: 'b.mp4', start: '0 -i /etc/passwd', duration: 1 }],
    [{ kind: 'cut', from: 'a.flv', to: 'b.mp4', duration: Number.POSITIVE_INFINITY }],
    [{ kind: 'thumbnail', from: 'a.flv', to: 'b.jpg', width: '640,drawtext=textfile=/etc/passwd' }],
    [{ kind: 'run', from: 'a.flv', to: 'b.mp4' }],
  ])('%j is no job', request => {
    expect(jobRequest.safeParse(request).success).toBe(false)
  })

  test.each([
    '../x.flv',
    '/etc/x.flv',
    '-i.flv',
    'live/-y.flv',
    'concat:a|b.flv',
    'pipe:0.flv',
    'a%d.flv',
    '.x.flv',
  ])('from %s is refused', async from => {
    const { add } = start()
    await expect(add({ kind: 'remux', from, to: 'a.mp4' })).rejects.toMatchObject({ code: 'bad-name' })
    const to = from.replace('.flv', '.mp4')
    await expect(add({ kind: 'remux', from: 'live/cam.flv', to })).rejects.toMatchObject({ code: 'bad-name' })
  })

  test('a name with a semicolon, a quote, spaces, brackets or a filter in it is a name', async () => {
    const { jobs, add } = start()
    for (const name of ["a;touch b '$(id)'", 'a [0:v]'.replace(':', ','), 'scale=1,1', 'x -vf y']) {
      const job = await over(jobs, await add({ kind: 'remux', from: 'live/cam.flv', to: `${name}.mp4` }))
      expect(job.error).toBeUndefined()
      expect(existsSync(at(`${name}.mp4`))).toBe(true)
      const thumb = await add({ kind: 'thumbnail', from: `${name}.mp4`, to: `${name}.jpg` })
      expect((await over(jobs, thumb)).state).toBe('done')
    }
    expect((await everything()).length).toBe(10)
  })

  test('a list of files that is called a recording is not followed', async () => {
    const { jobs, add } = start()
    writeFileSync(at('list.flv'), `#EXTM3U\n#EXTINF:1,\n${at('live/cam.flv')}\n`)
    writeFileSync(at('list.mp4'), `ffconcat version 1.0\nfile '${at('live/cam.flv')}'\n`)
    for (const from of ['list.flv', 'list.mp4']) {
      const job = await over(jobs, await add({ kind: 'remux', from, to: 'out.mp4' }))
      expect(job).toMatchObject({ state: 'failed', error: { code: 'malformed' } })
    }
    expect(await everything()).toEqual(['list.flv', 'list.mp4', 'live', 'live/cam.flv'])
  })

  test('nothing is overwritten, also when the file came while the job ran', async () => {
    const { jobs, add } = start({ ffmpeg: slow })
    await expect(add({ kind: 'cut', from: 'live/cam.flv', to: 'live/cam.flv', duration: 1 })).rejects.toThrow(
      /overwritten/,
    )
    const job = await add({ kind: 'cut', from: 'live/cam.flv', to: 'a.mp4', duration: 4 })
    await until('it is on its way', () => (jobs.find(job.id)?.progress ?? 0) > 0)
    writeFileSync(at('a.mp4'), 'mine')
    expect(await over(jobs, job)).toMatchObject({ state: 'failed', error: { code: 'bad-request' } })
    expect(readFileSync(at('a.mp4'), 'utf8')).toBe('mine')
  })

  test('reasons: nothing there, still being recorded, no room, past the end, no ffmpeg', async () => {
    const { jobs, add } = start()
    const remux = { kind: 'remux', from: 'live/cam.flv', to: 'a.mp4' } as const
    await expect(add({ ...remux, from: 'none.flv' })).rejects.toMatchObject({ code: 'not-found' })
    const letGo = holdOpen(at('live/cam.flv'))
    await expect(add(remux)).rejects.toMatchObject({ code: 'busy' })
    letGo()
    const full = start({ admit: () => Promise.reject(new GatewayError('no-space', '1 byte left')) })
    await expect(full.add(remux)).rejects.toMatchObject({ code: 'no-space', status: 507 })
    const late = await over(jobs, await add({ kind: 'thumbnail', from: 'live/cam.flv', to: 'a.jpg', at: 99 }))
    expect(late).toMatchObject({ state: 'failed', error: { code: 'malformed' } })
    const without = start({ ffmpeg: '/none/ffmpeg' })
    const job = await over(without.jobs, await without.add(remux))
    expect(job).toMatchObject({ state: 'failed', error: { code: 'dependency-missing' } })
  })

  test('an ffmpeg that is gone by the time it is needed fails the job and nothing else', async () => {
    const path = join(folder, 'gone')
    writeFileSync(path, '#!/bin/sh\nexec ffmpeg "$@"\n')
    await chmod(path, 0o755)
    const { jobs, add } = start({ ffmpeg: path })
    expect((await over(jobs, await add({ kind: 'remux', from: 'live/cam.flv', to: 'a.mp4' }))).state).toBe(
      'done',
    )
    rmSync(path)
    const job = await over(jobs, await add({ kind: 'remux', from: 'live/cam.flv', to: 'b.mp4' }))
    expect(job).toMatchObject({
      state: 'failed',
      error: { message: expect.stringMatching(/ENOENT|No such file/) },
    })
  })
})
