/**
 * The package as npm gets it: built, started without a source file of ours, and its page loaded in Chromium, which asks
 * nobody but the gateway. Need not run alone.
 */
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../helpers/chromium.ts'
import { runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'package-'))
const path = (name: string): string => join(folder, name)
let chromium: Chromium | undefined
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await stopPrograms()
  rmSync(folder, { recursive: true })
})

const build = async (): Promise<void> => {
  for (const name of ['bin', 'package.json', 'tsconfig.json', 'src'])
    cpSync(join(root, name), path(name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), path('node_modules'))
  await runProgram('npm', ['run', '-s', '--prefix', folder, 'build'])
  // The package holds of the sources the addon's alone.
  cpSync(path('src/native'), path('native'), { recursive: true })
  rmSync(path('src'), { recursive: true })
  cpSync(path('native'), path('src/native'), { recursive: true })
}

test('it is built, starts, and its page loads with nothing from elsewhere', async () => {
  await build()
  expect(existsSync(path('src/cli'))).toBe(false)
  const doors = ['http', 'rtmp', 'webrtc'].flatMap(name => [`--${name}`, '127.0.0.1:0'])
  const gateway = startProgram(process.execPath, [path('bin/crosspoint.js'), 'serve', '--json', ...doors])
  await until(gateway.output, () => gateway.stdout().includes('}\n'), 30_000)
  const { http } = (JSON.parse(gateway.stdout()) as { doors: { http: { port: number } } }).doors
  const origin = `http://127.0.0.1:${http.port}`

  chromium = await launchChromium()
  const page = await chromium.open('about:blank')
  const asked: string[] = []
  const faults: string[] = []
  page.on('request', request => asked.push(request.url()))
  page.on('pageerror', error => faults.push(error.message))
  await page.goto(`${origin}/`)
  await page.getByText('Nothing is live yet').waitFor()
  expect(asked).toEqual(expect.arrayContaining([`${origin}/assets/main.js`, `${origin}/assets/preact.js`]))
  expect(asked.filter(url => !url.startsWith(`${origin}/`))).toEqual([])
  expect(asked.filter(url => url.endsWith('.ts'))).toEqual([])
  expect(faults).toEqual([])
  gateway.child.kill('SIGTERM')
  expect(await gateway.exited).toBe(0)
})
