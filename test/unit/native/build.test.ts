/** The script behind `npm ci`: skips what is built, and says what to install when it cannot build. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const copy = mkdtempSync(join(tmpdir(), 'crosspoint-build-'))
const native = join(root, 'src/native')
const tools = join(copy, 'bin')
cpSync(native, join(copy, 'src/native'), { recursive: true, filter: path => path !== join(native, 'build') })
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
mkdirSync(tools)
afterAll(() => rmSync(copy, { recursive: true }))

const build = (directory: string, PATH = process.env.PATH) =>
  spawnSync(process.execPath, ['src/native/build.js'], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, PATH, npm_config_nodedir: '/nonexistent' },
  })

test('an addon that fits its sources is left alone', () => {
  const started = performance.now()
  expect(build(root)).toMatchObject({ status: 0, stderr: '' })
  expect(performance.now() - started).toBeLessThan(3000)
})

test('without Python, make or a compiler it fails with one message that says what to install', () => {
  const { status, stderr } = build(copy, tools)
  expect(status).toBe(1)
  expect(stderr).toContain('crosspoint: the native addon (WebRTC transport) could not be built.')
  expect(stderr).toContain('apt-get install -y python3 make g++')
  expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(7)
})
