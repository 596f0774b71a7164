/** Files in, files out, HTTP-FLV out and in, through the registry, with ffmpeg at both ends. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clip, contentHashes, packetHashes, packetTimes } from '../helpers/clip.ts'
import { decodeErrors, parseFlv, probe, readTags } from '../helpers/flv.ts'
import { type FlvGateway, fileUrl, startFlvGateway } from '../helpers/flv-gateway.ts'
import { runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'

let folder: string
let film: string
let gateway: FlvGateway
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flv-adapter-'))
  film = await clip({ seconds: 4, bFrames: 2 })
})
beforeEach(async () => {
  gateway = await startFlvGateway()
})
afterEach(async () => {
  await stopPrograms()
  await gateway.close()
})
afterAll(() => rm(folder, { recursive: true }))

const out = (name: string): string => join(folder, name)

/** Plays `query` of the film into a recording, to the end. */
const replay = async (path: string, query: string): Promise<string> => {
  const { publication } = await gateway.pull(fileUrl(film, query), 'film')
  const recording = await gateway.record('film', path)
  expect(await publication.closed).toMatchObject({ code: 'source-ended' })
  await recording.closed
  return path
}

describe('file to file', () => {
  test('as fast as it goes, packet for packet, times from 0, duration set', async () => {
    const path = await replay(out('copy.flv'), '?pace=none')
    const [before, after] = await Promise.all([packetHashes(film), packetHashes(path)])
    expect(await decodeErrors(path)).toBe('')
    expect(contentHashes(after, 0)).toEqual(contentHashes(before, 0))
    expect(contentHashes(after, 1)).toEqual(contentHashes(before, 1))
    expect(packetTimes(after, 0)).toEqual(packetTimes(before, 0))
    const { tags } = parseFlv(await readFile(path))
    expect(tags[0]!.type).toBe(18)
    expect(Math.min(...tags.map(tag => tag.timestampMs))).toBe(0)
    const { metadata, damage } = readTags(tags)
    expect(damage).toEqual({})
    const size = (await readFile(path)).length
    expect(metadata).toEqual([
      expect.objectContaining({ width: 320, height: 180, filesize: size, videocodecid: 7, audiocodecid: 10 }),
    ])
    expect(metadata[0]!.duration).toBeCloseTo(4.1, 1)
    expect((await probe(path)).durationS).toBeCloseTo(4.1, 1)
  })

  test('three passes are one continuous film, sound and picture together', async () => {
    const path = await replay(out('loop.flv'), '?pace=none&loop=3')
    expect(await decodeErrors(path)).toBe('')
    const { frames } = readTags(parseFlv(await readFile(path)).tags)
    const video = frames.get('video')!
    expect(video.length).toBe(300)
    const steps = video.slice(1).map((frame, i) => frame.dts - video[i]!.dts)
    expect(Math.min(...steps)).toBeGreaterThan(0)
    // Its sound is 97 ms longer than its picture.
    expect(Math.max(...steps)).toBeLessThan(90 * 150)
    const endsOf = (of: typeof frames): [number, number] => {
      const [picture, sound] = [of.get('video')!.at(-1)!, of.get('audio')!.at(-1)!]
      return [picture.dts / 90, (sound.dts * 1000) / sound.params.clockRate]
    }
    const [first, last] = [endsOf(readTags(parseFlv(await readFile(film)).tags).frames), endsOf(frames)]
    expect(Math.abs(last[1] - last[0] - (first[1] - first[0]))).toBeLessThan(41)
    expect(last[0]).toBeGreaterThan(11_900)
    const { tags } = parseFlv(await readFile(path))
    expect(tags.filter(({ type, body }) => type === 9 && body[1] === 0)).toHaveLength(1)
  })

  test('from a moment on: the key frame before it', async () => {
    const path = await replay(out('start.flv'), '?pace=none&start=2.5')
    expect(await decodeErrors(path)).toBe('')
    const { frames } = readTags(parseFlv(await readFile(path)).tags)
    expect(frames.get('video')!.length).toBe(50)
    expect(frames.get('video')![0]!.key).toBe(true)
  })

  test('in real time', async () => {
    const started = performance.now()
    const path = await replay(out('live.flv'), '?start=1.5')
    const tookMs = performance.now() - started
    expect(tookMs).toBeGreaterThan(2_700)
    expect(await decodeErrors(path)).toBe('')
    expect(readTags(parseFlv(await readFile(path)).tags).frames.get('video')!.length).toBe(75)
  })

  test('an existing file stays as it is', async () => {
    await writeFile(out('there.flv'), 'mine')
    await gateway.pull(fileUrl(film), 'film')
    await expect(gateway.record('film', out('there.flv'))).rejects.toThrow('is there already')
    expect(await readFile(out('there.flv'), 'utf8')).toBe('mine')
  })

  test.each([
    ['missing.flv', '', 'not-found'],
    ['film', '?start=99', 'bad-request'],
    ['film', '?start=soon', 'bad-url'],
    ['film', '?speed=2', 'bad-url'],
    ['clip.txt', '', 'bad-url'],
  ])('refused: %s%s', async (name, query, code) => {
    const path = name === 'film' ? film : out(name)
    await expect(gateway.pull(fileUrl(path, query), 'film')).rejects.toMatchObject({ code })
  })

  test('what is no FLV is refused before anything is published', async () => {
    await writeFile(out('text.flv'), 'this is text and not a film, although its name says so')
    await expect(gateway.pull(fileUrl(out('text.flv')), 'film')).rejects.toMatchObject({ code: 'malformed' })
  })
})

describe('HTTP-FLV', () => {
  test('ffmpeg watches a live stream with several slashes in its name', async () => {
    await gateway.pull(fileUrl(film, '?loop=true'), 'live/studio/cam')
    const path = out('watched.flv')
    const url = `${gateway.origin}/live/studio/cam.flv`
    await runProgram('ffmpeg', ['-v', 'error', '-y', '-i', url, '-t', '2', '-c', 'copy', path])
    expect(await decodeErrors(path)).toBe('')
    const { streams, packets } = await probe(path)
    expect(streams.map(stream => stream.codec_name).sort()).toEqual(['aac', 'h264'])
    expect(packets.length).toBeGreaterThan(100)
  })

  test('it ends when the source does', async () => {
    await gateway.pull(fileUrl(film, '?start=3'), 'live/short')
    const viewer = startProgram('ffmpeg', [
      ...'-v error -i'.split(' '),
      `${gateway.origin}/live/short.flv`,
      ...'-f null -'.split(' '),
    ])
    expect(await viewer.exited).toBe(0)
    expect(viewer.output()).toBe('')
  })

  test('another gateway takes it from there, a third file is the same film', async () => {
    const other = await startFlvGateway()
    try {
      await gateway.pull(fileUrl(film), 'live/relay')
      const { publication } = await other.pull(`${gateway.origin}/live/relay.flv`, 'copy')
      const recording = await other.record('copy', out('relay.flv'))
      expect(await publication.closed).toMatchObject({ code: 'source-ended' })
      await recording.closed
      expect(await decodeErrors(out('relay.flv'))).toBe('')
      const [before, after] = await Promise.all([packetHashes(film), packetHashes(out('relay.flv'))])
      const [was, is] = [contentHashes(before, 0), contentHashes(after, 0)]
      expect(is.length).toBeGreaterThan(70)
      expect(was.slice(-is.length)).toEqual(is)
    } finally {
      await other.close()
    }
  })

  test('a viewer that does not read is let go by name, the source goes on', async () => {
    const small = await startFlvGateway({ config: { viewerHighWaterBytes: 65_536, viewerGiveUpMs: 300 } })
    const noisy = await clip({ seconds: 4, size: '640x360', noise: '8M' })
    try {
      await small.pull(fileUrl(noisy, '?loop=true&pace=none'), 'cam')
      const { hostname, port } = new URL(small.origin)
      const stuck = connect(Number(port), hostname)
      stuck.pause()
      stuck.on('error', () => {})
      stuck.write(`GET /cam.flv HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
      const left = (): string | undefined => small.context.logged.find(line => line.includes('viewer left'))
      await until('the slow viewer leaves', () => left() !== undefined)
      expect(left()).toMatch(/slow-subscriber: .* was too slow for \d+ ms: \d+ bytes wait, 65536 may/)
      expect(small.context.registry.find('cam')?.state).toBe('ready')
      stuck.destroy()
    } finally {
      await small.close()
    }
  })

  test('offline, badly named and forbidden streams are answered with a problem', async () => {
    const offline = await fetch(`${gateway.origin}/live/nobody.flv`)
    expect([offline.status, offline.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
    expect(await offline.json()).toMatchObject({ code: 'stream-offline' })
    expect((await fetch(`${gateway.origin}/live/%2e%2e%2fetc.flv`)).status).toBe(400)
  })

  test('only pages of listed sites may read it', async () => {
    const open = await startFlvGateway({ origins: ['https://player.example'] })
    try {
      await open.pull(fileUrl(film, '?loop=true'), 'cam')
      const from = async (origin: string): Promise<string | null> => {
        const abort = new AbortController()
        const response = await fetch(`${open.origin}/cam.flv`, { headers: { origin }, signal: abort.signal })
        expect(response.status).toBe(200)
        abort.abort()
        return response.headers.get('access-control-allow-origin')
      }
      expect(await from('https://player.example')).toBe('https://player.example')
      expect(await from('https://elsewhere.example')).toBeNull()
    } finally {
      await open.close()
    }
  })

  test.each([
    ['a server that is not there', 'http://127.0.0.1:9/x.flv', 'connect-failed'],
    ['an address that is no FLV', 'http://127.0.0.1:9/x.m3u8', 'bad-url'],
  ])('%s', async (_name, url, code) => {
    await expect(gateway.pull(url, 'x')).rejects.toMatchObject({ code })
  })

  test('a source that answers 404 is refused by name', async () => {
    await expect(gateway.pull(`${gateway.origin}/gone.flv`, 'x')).rejects.toThrow('/gone.flv answered 404')
  })
})
