/** A gateway that records, transcodes and works on a file is killed: its recordings play, no ffmpeg of its is left. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { clip } from '../helpers/clip.ts'
import { findStream, post, publishTestSource, startServer, untilLive } from '../helpers/crosspoint.ts'
import { decodeErrors, parseFlv, probe } from '../helpers/flv.ts'
import { childrenOf, isGone } from '../helpers/processes.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { TestPeer } from '../helpers/webrtc-peer.ts'

const folder = mkdtempSync(join(tmpdir(), 'gateway-killed-'))
const recordings = join(folder, 'recordings')
let ffmpegs: readonly number[] = []
afterAll(async () => {
  await stopPrograms()
  for (const pid of ffmpegs) if (!isGone(pid)) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true })
})

/** ffmpeg itself, which takes hours for a file. */
const slowOnFiles = (): string => {
  const path = join(folder, 'slow')
  const script = 'case "$*" in *-progress*) exec ffmpeg -readrate 0.001 "$@";; *) exec ffmpeg "$@";; esac'
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}

const isOnFile = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('ffmpeg\0-readrate')
  } catch {
    return false
  }
}

const names = ['live/a', 'live/b']
const fileOf = (name: string): string => join(recordings, `${name}.flv`)

test('SIGKILL', async () => {
  const config = join(folder, 'crosspoint.json')
  const film = await clip({ seconds: 4 })
  writeFileSync(
    config,
    JSON.stringify({ recordings: { directory: recordings }, transcode: { ffmpeg: slowOnFiles() } }),
  )
  const server = await startServer(['--config', config])
  const record = (from: string, to: string) => post(`${server.http}/v1/bridges`, { from, to: [to] })
  for (const name of names) {
    const videoOptions = ['-bf', '2', '-tune', 'film', '-profile:v', 'main']
    publishTestSource({ url: `${server.rtmp}/${name}`, size: '320x180', videoOptions })
    await untilLive(server.http, name)
    expect((await record(`stream:${name}`, `${name}.flv`)).status).toBe(201)
  }
  // B-frames and AAC: both are made anew for WebRTC.
  await using viewer = new TestPeer({ direction: 'recvonly' })
  expect((await viewer.post(`${server.http}/whep/${names[0]}`)).status).toBe(201)
  await viewer.connect()
  await until('both are transcoded', async () => {
    const { tracks } = (await findStream(server.http, names[0]!)) as {
      tracks: { derivedFrom?: string; stats?: { units: number } }[]
    }
    return tracks.filter(({ derivedFrom, stats }) => derivedFrom && stats!.units > 10).length === 2
  })
  writeFileSync(join(recordings, 'film.flv'), readFileSync(film))
  expect(
    (await post(`${server.http}/v1/jobs`, { kind: 'remux', from: 'film.flv', to: 'film.mp4' })).status,
  ).toBe(201)
  const { pid } = server.program.child
  // Before it works on a file it is asked for what it can do, more than once.
  await until('the file is worked on', () => childrenOf(pid!).some(child => isOnFile(child)))
  ffmpegs = childrenOf(pid!)
  expect(ffmpegs).toHaveLength(3)
  await until('seconds are recorded', async () => (await probe(fileOf(names[1]!))).packets.length > 80)
  server.program.child.kill('SIGKILL')
  await server.program.exited

  await until(
    () => `no ffmpeg is left: ${ffmpegs.filter(child => !isGone(child))}`,
    () => ffmpegs.every(isGone),
  )
  for (const name of names) {
    const { damage, tags } = parseFlv(readFileSync(fileOf(name)))
    expect(damage.filter(([cause]) => cause !== 'truncated at the end')).toEqual([])
    expect(tags.length).toBeGreaterThan(50)
    expect(await decodeErrors(fileOf(name))).toBe('')
  }
})
