/** Multicast over IPv6 between two hosts, in network namespaces of the test's own: ffmpeg sends to a group, and joins one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Namespaces, namespacesMissing } from '../helpers/namespaces.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { frequencyOf, runFfmpeg } from '../helpers/sound.ts'

const missing = namespacesMissing()
if (missing !== undefined) process.stderr.write(`rtp-multicast-ipv6: left out: ${missing}\n`)

const crosspoint = join(import.meta.dirname, '../../bin/crosspoint.js')
const folder = mkdtempSync(join(tmpdir(), 'rtp-multicast-'))
const description = join(folder, 'out.sdp')
const received = join(folder, 'received.wav')
const network = new Namespaces()

beforeAll(async () => {
  if (missing !== undefined) return
  for (const name of ['here', 'there']) await network.add(name)
  await network.join('here', 'fd66::1/64', 'there', 'fd66::2/64')
  // For a moment nobody knows whether another host has the address.
  for (const name of ['here', 'there'])
    await until(
      `${name} has its address`,
      async () => (await network.run(name, 'ip', ['-6', 'address', 'show', 'tentative'])) === '',
    )
})
afterAll(async () => {
  await stopPrograms()
  await network.close()
  rmSync(folder, { recursive: true })
})

test.skipIf(missing !== undefined)('a group is joined, and another is sent to', async () => {
  const gateway = network.start('here', process.execPath, [
    ...[crosspoint, 'bridge', 'rtp://[ff15::1234]:5004?codec=pcmu&interface=there'],
    `rtp://[ff15::99]:5006?interface=there&sdp=${encodeURIComponent(description)}`,
  ])
  await until(gateway.output, () => gateway.output().includes('ff15::1234'))
  const sender = network.start('there', 'ffmpeg', [
    ...['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'sine=frequency=600:sample_rate=8000'],
    ...['-c:a', 'pcm_mulaw', '-ac', '1', '-f', 'rtp', 'rtp://[ff15::1234]:5004'],
  ])
  const said = (): string => `${gateway.output()}\n${sender.output()}`
  await until(said, () => gateway.output().includes('c=IN IP6 ff15::99'))
  expect(readFileSync(description, 'utf8')).toMatch(/^m=audio 5008 RTP\/AVP 0\r$/m)
  await network.run('there', 'ffmpeg', [
    ...['-v', 'error', '-y', '-protocol_whitelist', 'file,udp,rtp', '-i', description, '-t', '1', received],
  ])
  const raw = await runFfmpeg(['-i', received, '-f', 'f32le', '-ac', '1', '-ar', '8000', 'pipe:1'])
  const samples = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + (raw.length & ~3)))
  expect(Math.round(frequencyOf(samples.subarray(800), 8000)), said()).toBe(600)
})
