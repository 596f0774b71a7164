import { describe, expect, test } from 'vitest'
import { parseStreamName } from '../../../src/core/stream-name.ts'

const good = [
  'live/cam',
  'cam',
  'a',
  '0',
  '_x',
  'room1/alice',
  'live/room-1/alice_2',
  'v1.2/stream~main',
  'a/b/c/d/e/f/g/h',
  'CAM',
  `${'x'.repeat(128)}/${'y'.repeat(126)}`,
  'live/8f14e45f-ceea-467f-a9b6-5a1d3c0d9f11',
  'stream.flv',
]

const hostile: [name: string, why: string][] = [
  ['', 'empty'],
  ['/', 'empty part'],
  ['//', 'empty part'],
  ['/live', 'empty part'],
  ['live/', 'empty part'],
  ['live//cam', 'empty part'],
  ['.', 'dot'],
  ['..', '".."'],
  ['../etc/passwd', '".."'],
  ['live/../../../../tmp/pwned', '".."'],
  ['live/..', '".."'],
  ['live/...', '".."'],
  ['live/a..b', '".."'],
  ['live/./cam', 'dot'],
  ['live/cam.', 'dot'],
  ['.hidden', 'starts'],
  ['live/.htaccess', 'starts'],
  ['-rf', 'starts'],
  ['live/-i', 'starts'],
  ['--help', 'starts'],
  ['~', 'starts'],
  ['~root/x', 'starts'],
  ['%2e%2e%2fetc', 'other than'],
  ['%2e%2e/x', 'other than'],
  ['live%2fcam', 'other than'],
  ['live/cam%00', 'other than'],
  ['live/%c0%ae%c0%ae/x', 'other than'],
  ['live/\u0000cam', 'other than'],
  ['live/cam\u0000.flv', 'other than'],
  ['live/cam\n', 'other than'],
  ['live/cam\r\nX-Evil: 1', 'other than'],
  ['live\tcam', 'other than'],
  ['live cam', 'other than'],
  [' live', 'other than'],
  ['live ', 'other than'],
  ['live\\cam', 'other than'],
  ['..\\..\\windows', '".."'],
  ['C:', 'other than'],
  ['C:\\x', 'other than'],
  ['c:/x', 'other than'],
  ['\\\\server\\share', 'other than'],
  ['live/ca:m', 'other than'],
  ['live/cam?key=1', 'other than'],
  ['live/cam#x', 'other than'],
  ['live/cam&x', 'other than'],
  ['live/cam;rm', 'other than'],
  ['live/$(id)', 'other than'],
  ['live/`id`', 'other than'],
  ['live/cam|x', 'other than'],
  ['live/<script>', 'other than'],
  ['live/"x"', 'other than'],
  ["live/'x'", 'other than'],
  ['live/*', 'other than'],
  ['live/{a,b}', 'other than'],
  ['live/[x]', 'other than'],
  ['live/a=b', 'other than'],
  ['live/a,b', 'other than'],
  ['live/@x', 'other than'],
  ['live/ünïcode', 'other than'],
  ['live/\u202ecam', 'other than'],
  ['live/\u2024\u2024', 'other than'],
  ['live/\uff0e\uff0e', 'other than'],
  ['live/\ud800', 'other than'],
  ['live\uff0fcam', 'other than'],
  ['live/\u001b[31m', 'other than'],
  ['live/\u007f', 'other than'],
  ['\ufefflive', 'other than'],
  ['x'.repeat(10_240), 'at most 255'],
  [`${'x'.repeat(129)}/y`, 'at most 128'],
  ['a/b/c/d/e/f/g/h/i', 'at most 8'],
  ['a/'.repeat(100), 'at most 8'],
]

describe('stream name', () => {
  test.each(good)('%s is allowed', name => {
    expect(parseStreamName(name)).toBe(name)
  })

  test.each(hostile)('%j is refused', (name, why) => {
    expect(() => parseStreamName(name)).toThrow(
      expect.objectContaining({ code: 'bad-name', status: 400, message: expect.stringContaining(why) }),
    )
  })

  test('what is not text is refused, whatever the compiler was told', () => {
    for (const value of [false, undefined, null, 7, {}, ['live/cam'], { toString: () => 'live/cam' }])
      expect(() => parseStreamName(value as string)).toThrow(expect.objectContaining({ code: 'bad-name' }))
  })

  test('the error never repeats the name', () => {
    const evil = '\u001b[31mevil\nline'
    try {
      parseStreamName(evil)
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).not.toContain('evil')
    }
  })
})
