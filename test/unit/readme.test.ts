/** What the README says is what the code does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { adaptersMarkdown } from '../../src/cli/adapters.ts'
import { parseConfig } from '../../src/config/config.ts'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const scripts = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts

test('the capability table is the one of `crosspoint adapters --markdown`', () => {
  const table = /<!-- crosspoint adapters --markdown -->\n([\s\S]*?)\n<!-- end -->/.exec(readme)?.[1]
  expect(table).toBe(adaptersMarkdown())
})
test('the two commands are there, and npm knows them', () => {
  expect(readme).toContain('```sh\nnpm ci && npm run demo\n```')
  expect(readme).toContain('```sh\nnpm ci && npm test\n```')
  expect(Object.keys(scripts)).toEqual(
    expect.arrayContaining(['install', 'demo', 'test', 'bench', 'build', 'prepack']),
  )
})
test('the configuration that it shows is valid', () => {
  for (const [, name] of readme.matchAll(/\benv:([A-Z_]+)/g)) vi.stubEnv(name!, 'x'.repeat(32))
  const blocks = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)]
  expect(blocks.length).toBeGreaterThan(1)
  for (const [, yaml] of blocks) expect(() => parseConfig(parse(yaml!)), yaml!).not.toThrow()
  vi.unstubAllEnvs()
})
test('every file that it links to exists', () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)]
    .map(([, path]) => path!)
    .filter(path => !path.includes('://'))
  expect(links.length).toBeGreaterThan(3)
  for (const path of links) expect(() => readFileSync(join(root, path)), path).not.toThrow()
})
