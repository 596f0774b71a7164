/** `crosspoint config` and `crosspoint job`, as a user types them. */
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clip } from '../helpers/clip.ts'
import { runCrosspoint, type Server, startServer } from '../helpers/crosspoint.ts'
import { stopPrograms } from '../helpers/program.ts'

let folder: string
let server: Server
const file = (name: string): string => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-config-cli-'))
  await mkdir(file('live'))
  await copyFile(await clip({ seconds: 4 }), file('live/cam.flv'))
  await writeFile(file('first.yaml'), 'streams: { graceMs: 5 }\nlog: { level: warn }\n')
  await writeFile(file('second.yaml'), 'streams: { graceMs: 6 }\nrtmp: { listen: 127.0.0.1:1 }\n')
  await writeFile(file('no-certificate.yaml'), 'http: { tls: { cert: none.pem, key: none.key } }\n')
  await writeFile(file('bad.yaml'), 'rtmp: { lissen: 1 }\n')
  server = await startServer(['--recordings', folder, '--config', file('first.yaml')])
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})
const run = (...args: string[]) => runCrosspoint(args, { cwd: folder })
const ask = (...args: string[]) => run(...args, '--gateway', server.http)

describe('config', () => {
  test('check: good, bad with the key that was meant, and a file that is not there', async () => {
    expect(await run('config', 'check', 'first.yaml')).toMatchObject({
      code: 0,
      output: 'first.yaml is good.\n',
    })
    expect(await run('config', 'check', 'bad.yaml')).toMatchObject({
      code: 2,
      output: expect.stringContaining('unknown key rtmp.lissen: did you mean listen?'),
    })
    expect((await run('config', 'check', 'none.yaml')).code).toBe(2)
    expect(await run('config', 'check', 'no-certificate.yaml')).toMatchObject({
      code: 2,
      output: expect.stringContaining('the certificate none.pem with none.key: ENOENT'),
    })
  })
  test('plan: against another file, and against what runs, where flags win', async () => {
    const { code, output } = await run('config', 'plan', 'second.yaml', '--against', 'first.yaml')
    expect(code).toBe(0)
    expect(output).toMatch(/^streams\.graceMs +5 +6 +live$/m)
    expect(output).toMatch(/^rtmp\.listen\.port +1935 +1 +restart$/m)
    const running = JSON.parse((await ask('config', 'plan', 'second.yaml', '--json')).stdout)
    expect(running.changes.map(({ key }: { key: string }) => key)).toEqual(['streams.graceMs', 'log.level'])
  })
  test('plan: a certificate that is not there is refused, as by check and reload', async () => {
    const refusal = {
      code: 2,
      output: expect.stringContaining('the certificate none.pem with none.key: ENOENT'),
    }
    expect(await run('config', 'plan', 'no-certificate.yaml', '--against', 'first.yaml')).toMatchObject(
      refusal,
    )
    expect(await ask('config', 'plan', 'no-certificate.yaml')).toMatchObject(refusal)
  })
  test('explain: where each key comes from', async () => {
    const { output } = await run('config', 'explain', '--config', 'first.yaml', '--rtmp', ':1936')
    expect(output).toMatch(/^streams\.graceMs +5 +file +live$/m)
    expect(output).toMatch(/^rtmp\.listen\.port +1936 +flag +restart$/m)
    expect(output).toMatch(/^rtmp\.publisherIdleMs +30000 +default +next-session$/m)
  })
})

describe('job', () => {
  test('remux, cut and thumbnail are waited for; the list has them', async () => {
    expect(await ask('job', 'remux', 'live/cam.flv', 'cam.mp4')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^cam\.mp4: \d+\.\d kB\n$/),
    })
    expect((await ask('job', 'cut', 'live/cam.flv', 'piece.flv', '--duration', '1')).code).toBe(0)
    const thumb = await ask(
      'job',
      'thumbnail',
      'live/cam.flv',
      'cam.jpg',
      '--at',
      '2',
      '--width',
      '100',
      '--json',
    )
    expect(JSON.parse(thumb.stdout)).toMatchObject({ kind: 'thumbnail', state: 'done', progress: 1 })
    for (const name of ['cam.mp4', 'piece.flv', 'cam.jpg'])
      expect((await stat(file(name))).size).toBeGreaterThan(0)
    expect((await ask('job', 'list')).output).toMatch(
      /^\w{8} +remux +live\/cam\.flv +cam\.mp4 +done +100 %$/m,
    )
  })
  test('what cannot be is one sentence and a code', async () => {
    expect(await ask('job', 'remux', 'none.flv', 'x.mp4')).toMatchObject({
      code: 3,
      output: expect.stringContaining('there is no recording none.flv'),
    })
    expect((await ask('job', 'remux', '../x.flv', 'x.mp4')).code).toBe(2)
    expect((await ask('job', 'thumbnail', 'live/cam.flv', 'late.jpg', '--at', '99')).code).not.toBe(0)
    expect((await ask('job', 'cancel', 'none')).code).toBe(3)
  })
})
