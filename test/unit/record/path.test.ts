import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { resolveUnder } from '../../../src/record/path.ts'

const base = mkdtempSync(join(tmpdir(), 'record-path-'))
const root = join(base, 'recordings')
mkdirSync(join(root, 'inside'), { recursive: true })
mkdirSync(join(base, 'recordings-of-others'))
symlinkSync(base, join(root, 'out'))
symlinkSync(join(base, 'recordings-of-others'), join(root, 'sibling'))
symlinkSync('/etc/passwd', join(root, 'file.flv'))
symlinkSync(join(base, 'nowhere'), join(root, 'dangling.flv'))
symlinkSync(join(root, 'inside'), join(root, 'in'))
afterAll(() => rmSync(base, { recursive: true }))

describe('taken', () => {
  test.each([
    'a.flv',
    'live/cam.flv',
    'new/and/deep/a.flv',
    'ein Film ä 影片.flv',
    'in/a.flv',
    'a..b.flv',
    'x',
  ])('%s', name => {
    expect(resolveUnder(root, name)).toBe(join(root, name))
  })

  test('a root that does not exist yet', () => {
    expect(resolveUnder(join(base, 'later'), 'a/b.flv')).toBe(join(base, 'later', 'a', 'b.flv'))
  })
})

describe('refused', () => {
  const names = [
    '',
    '.',
    '..',
    '../a.flv',
    'a/../../b.flv',
    'a/..',
    '/etc/a.flv',
    '//a.flv',
    'a//b.flv',
    'a/',
    './a.flv',
    '%2e%2e/a.flv',
    '%2e%2e%2fa.flv',
    '..\\a.flv',
    'C:\\a.flv',
    'C:a.flv',
    '\\\\host\\share',
    'a\0.flv',
    'a\n.flv',
    'a\r\nb.flv',
    '\u007f.flv',
    '-rf.flv',
    'a/-rf.flv',
    '.hidden.flv',
    'a/.ssh/x.flv',
    'a. ',
    'a.',
    ' a.flv',
    'a .flv ',
    'nul*.flv',
    'a?.flv',
    'a|b.flv',
    '"a".flv',
    '<a>.flv',
    '\ud800.flv',
    `${'a'.repeat(201)}.flv`,
    'ä'.repeat(120),
    `${'a/'.repeat(20)}b.flv`,
    'a'.repeat(10_000),
    'file:///etc/passwd',
    'http://host/a.flv',
  ]
  test.each(names.map(name => [JSON.stringify(name).slice(0, 40), name]))('%s', (_shown, name) => {
    expect(() => resolveUnder(root, name)).toThrow(expect.objectContaining({ code: 'bad-name' }))
  })

  test.each(['out/a.flv', 'sibling/a.flv', 'file.flv', 'dangling.flv', 'out/recordings-of-others/a.flv'])(
    'link: %s',
    name => {
      expect(() => resolveUnder(root, name)).toThrow(expect.objectContaining({ code: 'forbidden' }))
    },
  )

  test('the message never repeats the name', () => {
    try {
      resolveUnder(root, '../<script>')
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).not.toContain('script')
    }
  })
})
