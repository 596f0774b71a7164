/** Children that misbehave. The stubs stand for an ffmpeg gone wrong; what is tested is who looks after it. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Accept } from '../../src/core/types.ts'
import { createOpusParams } from '../../src/media/opus/parameters.ts'
import type { Frame } from '../../src/media/types.ts'
import { findFfmpeg } from '../../src/transcode/ffmpeg.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { eventually, isGone } from '../helpers/processes.ts'
import { openBench } from '../helpers/transcode-bench.ts'

const folder = mkdtempSync(join(tmpdir(), 'crosspoint-transcode-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** An executable that runs `script` in Node. */
const stub = (name: string, script: string): string => {
  const path = join(folder, name)
  writeFileSync(path, `#!${process.execPath}\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const params = createOpusParams(2)
const aac: Accept = { kind: 'audio', codec: 'aac', form: 'frame', sampleRate: 48_000, channels: 2 }
const silence = Uint8Array.of(0xfc, 0xff, 0xfe)
const frameAt = (pts: number): Frame => ({
  ...{ units: [silence], pts, dts: pts, duration: 960, key: true, params },
  ...{ discontinuity: false, arrival: 0 },
})
const frames = (count: number, from = 0): Frame[] =>
  Array.from({ length: count }, (_, i) => frameAt(from + i * 960))

describe('ffmpeg is looked for', () => {
  test('and found, with its encoders', async () => {
    const found = await findFfmpeg()
    expect(found).toMatchObject({ ffmpeg: { path: 'ffmpeg' } })
    if (!('ffmpeg' in found)) return
    expect(found.ffmpeg.version).toMatch(/^[\w.+:~-]+$/)
    for (const encoder of ['libopus', 'aac', 'pcm_mulaw', 'pcm_alaw'])
      expect(found.ffmpeg.encoders).toContain(encoder)
    expect(found.ffmpeg.decoders).toContain('libopus')
    expect(await findFfmpeg()).toBe(found)
  })

  test('missing: the sentence says what to do; looked for again, as it may have been installed', async () => {
    const path = join(folder, 'later')
    expect(await findFfmpeg(path)).toEqual({
      missing: `ffmpeg is missing at ${path}: apt-get install -y ffmpeg`,
    })
    stub(
      'later',
      `console.log(process.argv.includes('-version') ? 'ffmpeg version 9.9 x' : ' A....D aac   AAC')`,
    )
    expect(await findFfmpeg(path)).toMatchObject({
      ffmpeg: { version: '9.9', encoders: new Set(['aac']), decoders: new Set(['aac']) },
    })
  })

  test('something else by that name is not taken', async () => {
    const path = stub('other', `console.log('hello')`)
    expect(await findFfmpeg(path)).toEqual({ missing: `${path} is not ffmpeg` })
    const failing = stub('failing', 'process.exit(4)')
    expect(await findFfmpeg(failing)).toMatchObject({ missing: expect.stringContaining('cannot be used') })
  })
})

describe('a child that', () => {
  test('ignores SIGTERM and the end of its input is killed after 500 ms', async () => {
    const bench = openBench({
      ...{ params, to: aac },
      ffmpeg: stub(
        'deaf',
        `process.on('SIGTERM', () => {}); process.stderr.write('ready\\n'); setInterval(() => {}, 1e6)`,
      ),
    })
    const pid = bench.job.stats.pid!
    await eventually(() => !isGone(pid), 5000, 'the stub starts')
    const start = performance.now()
    await bench.job.close({ code: 'subscriber-left' })
    expect(performance.now() - start).toBeGreaterThan(450)
    expect(isGone(pid)).toBe(true)
    expect(bench.log.map(({ message }) => message)).toContain(
      'transcode was stopped, but ffmpeg did not leave within 500 ms after its input ended',
    )
  })

  test('exits at once is restarted later each time, then given up with what it said', async () => {
    const clock = new ManualClock()
    await using bench = openBench({
      ...{ params, to: aac, clock },
      ffmpeg: stub('broken', `process.stderr.write('no such filter\\n'); process.exitCode = 3`),
    })
    const delays = [250, 500, 1000, 2000, 4000]
    const restarts = (): number =>
      bench.log.filter(({ message }) => message.startsWith('transcode restarts')).length
    for (const [i, delayMs] of delays.entries()) {
      await bench.until(() => restarts() === i + 1)
      expect(bench.log.at(-1)).toMatchObject({
        level: 'warn',
        message: 'transcode restarts: ffmpeg exited with code 3',
        fields: { delayMs, failures: i + 1, stderr: ['no such filter'] },
      })
      bench.write(frameAt(0))
      clock.advance(delayMs * 1000 - 1)
      expect(bench.job.stats.pid).toBeUndefined()
      clock.advance(1)
      expect(bench.job.stats.restarts).toBe(i + 1)
    }
    const reason = await bench.job.closed
    expect(reason).toMatchObject({ code: 'failed', error: { code: 'transcode-unavailable' } })
    expect(reason.detail).toContain('ffmpeg exited with code 3, 6 times in a row: no such filter')
    expect(bench.job.stats.dropped).toEqual({ restarting: 5 })
  })

  test('cannot be started is given up with the reason', async () => {
    const clock = new ManualClock()
    await using bench = openBench({ params, to: aac, clock, ffmpeg: join(folder, 'nowhere') })
    for (let failures = 1; failures < 6; failures++) {
      await bench.until(
        () => bench.log.filter(({ message }) => message.startsWith('transcode restarts')).length === failures,
      )
      clock.advance(4_000_000)
    }
    expect((await bench.job.closed).detail).toContain('could not be started: spawn')
  })

  test('floods stderr is killed; its last lines are kept, no more', async () => {
    await using bench = openBench({
      ...{ params, to: aac },
      ffmpeg: stub(
        'flood',
        `const line = 'x'.repeat(99) + '\\n'; const more = () => { while (process.stderr.write(line.repeat(100))); process.stderr.once('drain', more) }; more()`,
      ),
    })
    await bench.until(() => bench.log.some(({ message }) => message.startsWith('transcode restarts')))
    const { message, fields } = bench.log.find(entry => entry.message.startsWith('transcode restarts'))!
    expect(message).toMatch(/ffmpeg wrote \d+ bytes to stderr within a second/)
    expect((fields.stderr as string[]).length).toBeLessThanOrEqual(50)
  })

  test('writes something else than NUT is killed by name', async () => {
    await using bench = openBench({
      ...{ params, to: aac },
      ffmpeg: stub('garbage', `process.stdout.write('OggS'.repeat(100)); process.stdin.resume()`),
    })
    await bench.until(() =>
      bench.log.some(({ message }) => message.includes('else than NUT (no NUT file id)')),
    )
  })

  test('never reads is not waited for: one second waits, the rest is counted, then it is replaced', async () => {
    const clock = new ManualClock()
    await using bench = openBench({
      ...{ params, to: aac, clock },
      ffmpeg: stub('idle', 'setInterval(() => {}, 1e6)'),
    })
    for (const frame of frames(255)) {
      bench.write(frame)
      clock.advance(20_000)
    }
    // 4 s are allowed for starting, then packets are left out; after 5 s it is replaced.
    expect(bench.job.stats.dropped.slow).toBeGreaterThan(40)
    await bench.until(() =>
      bench.log.some(({ message }) => message.includes('made nothing of what it was given')),
    )
    expect(bench.log.at(-1)?.fields).toMatchObject({ lost: 255 - bench.job.stats.dropped.slow! })
  })

  test('takes a burst of minutes at once drops by size, not by patience', async () => {
    const clock = new ManualClock()
    await using bench = openBench({
      ...{ params, to: aac, clock },
      ffmpeg: stub('idle-too', 'setInterval(() => {}, 1e6)'),
    })
    for (const frame of frames(10_000)) bench.write(frame)
    expect(bench.job.stats.dropped).toEqual({ overflow: 10_000 - 4096 })
  })
})

describe('a real ffmpeg that', () => {
  test('is killed goes on after a gap, on the same time line', async () => {
    await using bench = openBench({ params, to: aac })
    await bench.feed(frames(50))
    await bench.until(() => bench.heard.length > 20)
    const before = bench.heard.length
    process.kill(bench.job.stats.pid!, 'SIGKILL')
    await bench.until(() => bench.log.some(({ message }) => message.includes('was killed by SIGKILL')))
    await bench.until(() => bench.job.stats.restarts === 1)
    await bench.feed(frames(50, 100 * 960))
    await bench.until(() => bench.heard.length > before + 20)
    const after = bench.frames.slice(before)
    const joint = after.find(({ pts }) => pts > 60 * 960)!
    expect(joint.discontinuity).toBe(true)
    expect(Math.abs(joint.pts - 100 * 960)).toBeLessThanOrEqual(1024)
    expect(bench.frames.every((frame, i, all) => i === 0 || frame.pts > all[i - 1]!.pts)).toBe(true)
  })

  test('stands still for a while loses what came too early for it, and says so', async () => {
    const clock = new ManualClock()
    await using bench = openBench({ params, to: aac, clock })
    await bench.feed(frames(50))
    await bench.until(() => bench.heard.length > 20)
    process.kill(bench.job.stats.pid!, 'SIGSTOP')
    for (const frame of frames(150, 50 * 960)) {
      bench.write(frame)
      clock.advance(20_000)
    }
    const { slow } = bench.job.stats.dropped
    expect(slow).toBeGreaterThan(90)
    expect(slow).toBeLessThan(105)
    process.kill(bench.job.stats.pid!, 'SIGCONT')
    await bench.until(() => (bench.frames.at(-1)?.pts ?? 0) > 95 * 960)
    await bench.feed(frames(100, 200 * 960))
    await bench.until(() => (bench.frames.at(-1)?.pts ?? 0) > 280 * 960)
    expect(bench.job.stats.dropped).toEqual({ slow })
    const joint = bench.frames.filter(({ discontinuity }) => discontinuity)
    expect(joint).toHaveLength(1)
    // Where a gap falls within a packet, the packet after it begins at the right time.
    expect(Math.abs(joint[0]!.pts - 200 * 960)).toBeLessThanOrEqual(2 * 1024)
  })

  let killed: { readonly pid: number }
  beforeAll(async () => {
    const parent = spawn(
      process.execPath,
      [join(import.meta.dirname, '..', 'helpers', 'transcode-parent.ts')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const pid = await new Promise<number>((resolve, reject) => {
      parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())))
      parent.once('exit', code => reject(new Error(`the parent left with ${code}`)))
    })
    expect(isGone(pid)).toBe(false)
    parent.kill('SIGKILL')
    killed = { pid }
  })
  test('loses the gateway to SIGKILL leaves within 3 s', async () => {
    await eventually(() => isGone(killed.pid), 3000, 'ffmpeg leaves')
  })
})
