/** `crosspoint doctor`: on a machine that is well, and each check on one that is not. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkAddon, checkBuffers } from '../../src/cli/doctor/addon.ts'
import { checkAddress } from '../../src/cli/doctor/address.ts'
import { checkDescriptors } from '../../src/cli/doctor/descriptors.ts'
import { checkDisk } from '../../src/cli/doctor/disk.ts'
import { checkFfmpeg } from '../../src/cli/doctor/ffmpeg.ts'
import { checkNode } from '../../src/cli/doctor/node-version.ts'
import { checkRtp } from '../../src/cli/doctor/rtp.ts'
import { checkOpus, checkSip, type SipSection } from '../../src/cli/doctor/sip.ts'
import { GatewayError } from '../../src/errors.ts'
import { runCrosspoint, startServer } from '../helpers/crosspoint.ts'
import { startProgram, stopPrograms } from '../helpers/program.ts'
import { freePairs } from '../helpers/rtp-gateway.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-doctor-test-'))
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})

const freeDoors = ['http', 'rtmp', 'webrtc'].flatMap(name => [`--${name}`, '127.0.0.1:0'])
interface Check {
  readonly check: string
  readonly state: string
  readonly detail: string
  readonly mend?: string
}
const doctor = async (...flags: string[]): Promise<{ code: number | string; checks: readonly Check[] }> => {
  const { code, stdout } = await runCrosspoint(['doctor', '--json', ...flags], { cwd: folder })
  return { code, checks: (JSON.parse(stdout) as { checks: Check[] }).checks }
}
const named = (checks: readonly Check[], name: string): Check => checks.find(({ check }) => check === name)!
const yaml = async (text: string): Promise<string> => {
  const file = join(folder, 'doctor.yaml')
  await writeFile(file, text)
  return file
}

describe('crosspoint doctor', () => {
  test('here nothing fails, and the self-test carries every frame', async () => {
    const { code, output } = await runCrosspoint(['doctor', ...freeDoors], { cwd: folder })
    expect(output).toMatch(/^ok {4}Node\.js +\d+\./m)
    expect(output).toMatch(/^ok {4}port rtmp +127\.0\.0\.1:0 can be listened on$/m)
    expect(output).toMatch(/^ok {4}ffmpeg .*libx264/m)
    expect(output).toMatch(/^ok {4}native addon/m)
    expect(output).toMatch(/^(ok {2}|warn) {2}socket buffers +granted .* asked for 8\.4 MB each$/m)
    const [, sent, received] = /^ok {4}self-test .* (\d+) frames sent, (\d+) received/m.exec(output) ?? []
    expect(Number(sent)).toBeGreaterThan(100)
    expect(received).toBe(sent)
    expect(code).toBe(0)
  })
  test('a port that is taken: fail, the flag, exit code 5', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => taken.once('listening', resolve))
    const { port } = taken.address() as { port: number }
    const { code, checks } = await doctor(...freeDoors.slice(0, 2), '--rtmp', `127.0.0.1:${port}`)
    taken.close()
    expect(code).toBe(5)
    expect(named(checks, 'port rtmp')).toMatchObject({
      state: 'fail',
      mend: expect.stringContaining('--rtmp'),
    })
  })
  test('ports of a gateway that runs are well', async () => {
    const server = await startServer()
    const at = (url: string): string => url.replace(/^\w+:\/\//, '')
    const { checks } = await doctor(
      '--http',
      at(server.http),
      '--rtmp',
      at(server.rtmp),
      ...freeDoors.slice(4),
    )
    await server.stop()
    for (const name of ['port http', 'port rtmp'])
      expect(named(checks, name)).toMatchObject({
        state: 'ok',
        detail: expect.stringContaining('gateway runs'),
      })
  })
  test('no ffmpeg: it and the self-test fail, exit code 6; no room is a warning', async () => {
    const file = await yaml(
      'transcode: { ffmpeg: /none/ffmpeg }\nrecordings: { minFreeBytes: 900000000000000 }\n',
    )
    const { code, checks } = await doctor('--config', file, ...freeDoors)
    expect(code).toBe(6)
    expect(named(checks, 'ffmpeg')).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('/none/ffmpeg'),
      mend: expect.stringContaining('transcode.ffmpeg'),
    })
    expect(named(checks, 'self-test')).toMatchObject({ state: 'fail' })
    expect(named(checks, 'recordings')).toMatchObject({
      state: 'warn',
      detail: expect.stringContaining('minFreeBytes wants 900000.0 GB'),
    })
  })
  test('few file descriptors are a warning', async () => {
    const bin = join(import.meta.dirname, '../../bin/crosspoint.js')
    const command = `ulimit -n 512 && exec "${process.execPath}" "${bin}" doctor ${freeDoors.join(' ')}`
    const program = startProgram('sh', ['-c', command], { cwd: folder })
    expect(await program.exited).toBe(0)
    expect(program.output()).toMatch(/^warn {2}open files +up to 512 at once.*\n +→ .*ulimit -n/m)
  })
})

describe('what is not well here by itself', () => {
  test('an old Node', () => {
    expect(checkNode('22.11.0', '>=22.12')).toMatchObject({ state: 'fail', exitCode: 6 })
    expect(checkNode('22.12.0', '>=22.12')).toMatchObject({ state: 'ok' })
    expect(checkNode('24.0.0', '>=22.12')).toMatchObject({ state: 'ok' })
  })
  test('an ffmpeg without encoders', async () => {
    const poor = join(folder, 'poor-ffmpeg')
    const script = `#!/bin/sh\ncase "$2" in -version) echo "ffmpeg version 1.2" ;; -encoders) echo " A....D aac   AAC" ;; esac\n`
    await writeFile(poor, script, { mode: 0o755 })
    expect(await checkFfmpeg(poor)).toMatchObject({
      state: 'warn',
      detail: '1.2 has no libopus (Opus), libx264 (H.264), libvpx (VP8)',
    })
  })
  test('an addon that was not built', () => {
    const missing = (): never => {
      throw new GatewayError('dependency-missing', 'the native addon is not built')
    }
    expect(checkAddon(missing)).toMatchObject([{ state: 'fail', exitCode: 6 }])
  })
  test('small socket buffers', () => {
    const small = checkBuffers({ receiveBufferBytes: 212_992, sendBufferBytes: 212_992 })
    expect(small).toMatchObject({ state: 'warn', mend: expect.stringContaining('net.core.rmem_max=8388608') })
    expect(checkBuffers({ receiveBufferBytes: 1 << 23, sendBufferBytes: 1 << 23 }).state).toBe('ok')
  })
  test('a limit file that is not there says so', async () => {
    expect(await checkDescriptors(join(folder, 'none'))).toMatchObject({ state: 'ok' })
  })
  test('a directory that cannot be written, a file in its place', async () => {
    expect(await checkDisk('/proc/crosspoint', 0)).toMatchObject({ state: 'fail' })
    await writeFile(join(folder, 'file'), '')
    expect(await checkDisk(join(folder, 'file/recordings'), 0)).toMatchObject({ state: 'fail' })
    expect(await checkDisk(join(folder, 'not/yet'), 0)).toMatchObject({ state: 'ok' })
  })
  test('addresses that nobody outside reaches', () => {
    const any = { listen: { host: '0.0.0.0' }, advertise: [] }
    expect(checkAddress(any, ['10.0.0.7', 'fd00::7'])).toMatchObject({
      state: 'warn',
      detail: 'clients are told 10.0.0.7, fd00::7',
      mend: expect.stringContaining('webrtc.advertise'),
    })
    expect(checkAddress(any, ['10.0.0.7', '1.1.1.1']).state).toBe('ok')
    expect(checkAddress({ ...any, advertise: [{ ip: '1.1.1.1' }] }, ['10.0.0.7']).state).toBe('ok')
    expect(checkAddress({ listen: null, advertise: [] }, []).state).toBe('ok')
  })
})

describe('RTP ports', () => {
  test('none are named: any that are free', async () => {
    expect(await checkRtp({ ports: null })).toMatchObject({ state: 'ok' })
  })

  test('a range: how many pairs are free, with what has one of them', async () => {
    const min = await freePairs(2)
    const ports = { min, max: min + 3 }
    expect(await checkRtp({ ports })).toMatchObject({
      state: 'ok',
      detail: `udp ${min}-${min + 3}: 2 of 2 pairs are free`,
    })
    const taken = [min, min + 3].map(port => createSocket('udp4').bind(port))
    await Promise.all(taken.map(socket => once(socket, 'listening')))
    expect(await checkRtp({ ports })).toMatchObject({
      ...{ state: 'fail', exitCode: 5, detail: `udp ${min}-${min + 3}: 0 of 2 pairs are free` },
      mend: 'widen rtp.ports, or end what has them',
    })
    for (const socket of taken) socket.close()
  })
})

describe('phones', () => {
  const section: SipSection = {
    listen: { host: '0.0.0.0', port: 5060 },
    routes: [],
    accounts: {},
    trunks: {},
  }
  const rule = { called: '1000', from: ['10.0.0.0/8'] }
  const outside = ['203.0.114.7']

  test.for<[what: string, over: Partial<SipSection>, own: string[], expected: RegExp[]]>([
    ['no door', { listen: null }, outside, [/^ok no door for phones/]],
    ['a door, but no rule', {}, outside, [/^warn nobody can call/, /^ok phones are told 203/]],
    ['a rule', { routes: [rule] }, outside, [/^ok 1 rules, 0 registrations/, /^ok/]],
    [
      'a rule for everybody',
      { routes: [{ called: '9', name: 'open', from: ['any'] }] },
      outside,
      [/^warn everybody .* may call open$/, /^ok/],
    ],
    ['a rule with a PIN', { routes: [{ called: '9', from: ['any'], pin: 'x' }] }, outside, [/^ok/, /^ok/]],
    [
      'only private addresses',
      { routes: [rule] },
      ['10.1.2.3'],
      [/^ok/, /^warn phones are told 10\.1\.2\.3/],
    ],
    [
      'a greeting that is not there',
      { routes: [{ ...rule, greeting: '/none/hello.wav' }] },
      outside,
      [/^ok/, /^ok/, /^warn \/none\/hello\.wav cannot be read/],
    ],
    ['told another', { routes: [rule], external: '203.0.114.9' }, [], [/^ok/, /^ok .*203\.0\.114\.9/]],
    [
      'a registrar that is nowhere',
      { listen: null, routes: [rule], accounts: { pbx: { uri: 'sip:a@pbx.invalid' } } },
      [],
      [/^ok 1 rules, 1 registrations/, /^warn pbx\.invalid has no address/],
    ],
  ])('%s', async ([, over, own, expected]) => {
    const found = await checkSip({ ...section, ...over }, own)
    expect(found.map(({ state, detail }) => `${state} ${detail}`)).toEqual(
      expected.map(pattern => expect.stringMatching(pattern)),
    )
  })
})

test('Opus, there and not there', async () => {
  expect(await checkOpus()).toMatchObject({ state: 'ok' })
  const none = () => Promise.reject(new Error('no build for this platform'))
  expect(await checkOpus(none)).toMatchObject({ state: 'warn', detail: expect.stringContaining('no build') })
})
