/** FLV files made by ffmpeg: read to frames, written again, read by ffmpeg without an error and with the same times. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byTime, decodeErrors, ffmpeg, fileOf, parseFlv, probe, readTags, tagsOf } from '../helpers/flv.ts'

const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=4']
const sound = ['-f', 'lavfi', '-i', 'sine=frequency=1000:sample_rate=44100:duration=4']
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p']

const sources: Readonly<Record<string, readonly string[]>> = {
  'H.264 without B-frames and AAC': [...picture, ...sound, ...h264, '-bf', '0', '-c:a', 'aac'],
  'H.264 with B-frames and AAC': [...picture, ...sound, ...h264, '-bf', '3', '-c:a', 'aac'],
  'H.264 and MP3': [...picture, ...sound, ...h264, '-c:a', 'libmp3lame'],
  'MP3 at 22050 Hz alone': [...sound, '-c:a', 'libmp3lame', '-ar', '22050', '-ac', '2'],
  'G.711 mu-law alone': [...sound, '-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1'],
  'G.711 A-law alone': [...sound, '-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1'],
  'AAC 48000 Hz alone': [...sound, '-c:a', 'aac', '-ar', '48000', '-ac', '2'],
  'H.264 alone': [...picture, ...h264, '-bf', '2'],
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flv-files-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('read and written again', () => {
  test.each(Object.entries(sources))('%s', async (name, args) => {
    const stem = join(folder, name.replaceAll(/[^\w]/g, '-'))
    await ffmpeg(...args, `${stem}-in.flv`)
    const parsed = parseFlv(await readFile(`${stem}-in.flv`), 4096)
    const read = readTags(parsed.tags)
    expect(parsed.damage).toEqual([])
    expect(read.damage).toEqual({})
    expect(read.tracks.size).toBe(read.frames.size)

    const tags = byTime([...read.frames.values()].flatMap(frames => tagsOf(frames)))
    await writeFile(`${stem}-out.flv`, fileOf(tags))
    expect(await decodeErrors(`${stem}-out.flv`)).toBe('')
    const [before, after] = await Promise.all([probe(`${stem}-in.flv`), probe(`${stem}-out.flv`)])
    expect(after.streams.map(s => s.codec_name).sort()).toEqual(before.streams.map(s => s.codec_name).sort())
    const of = (probed: typeof before, codec: string) => {
      const index = probed.streams.findIndex(s => s.codec_name === codec)
      return probed.packets.filter(packet => packet.stream === index)
    }
    for (const { codec_name } of before.streams) {
      const [was, is] = [of(before, codec_name), of(after, codec_name)]
      expect(is.length).toBe(was.length)
      expect(is.every(({ ptsMs }, i) => Math.abs(ptsMs - was[i]!.ptsMs) <= 1)).toBe(true)
      if (codec_name === 'h264')
        expect(is.map(p => [p.ptsMs, p.dtsMs])).toEqual(was.map(p => [p.ptsMs, p.dtsMs]))
    }
  })

  test('B-frames are told from the SPS or from the first frame', async () => {
    const file = join(folder, 'order.flv')
    await ffmpeg(...sources['H.264 with B-frames and AAC']!, file)
    const [withB] = [readTags(parseFlv(await readFile(file)).tags)]
    await ffmpeg(...sources['H.264 without B-frames and AAC']!, file)
    const without = readTags(parseFlv(await readFile(file)).tags)
    expect(withB.tracks.get('video')).toMatchObject({
      codec: 'h264',
      reordered: true,
      size: { width: 320, height: 240 },
    })
    expect(without.tracks.get('video')).toMatchObject({ reordered: false })
  })
})

describe('codecs that are not carried on are named', () => {
  test.each([
    ['speex', ['-c:a', 'libspeex', '-ar', '16000', '-ac', '1'], 'audio codec speex is not supported'],
    [
      'nellymoser',
      ['-c:a', 'nellymoser', '-ar', '22050', '-ac', '1'],
      'audio codec nellymoser is not supported',
    ],
    ['h263', [], 'video codec h263 is not supported'],
  ])('%s', async (name, args, cause) => {
    const file = join(folder, `${name}.flv`)
    const input = name === 'h263' ? [...picture, '-c:v', 'flv1', '-t', '1'] : [...sound, ...args, '-t', '1']
    await ffmpeg(...input, file)
    const read = readTags(parseFlv(await readFile(file)).tags)
    expect(read.tracks.size).toBe(0)
    expect(Object.keys(read.damage)).toEqual([cause])
  })
})
