import { describe, expect, test } from 'vitest'
import { HeaderList, splitList } from '../../../src/adapters/sip/message/header-list.ts'

describe('SIP headers', () => {
  test('compact and long forms are one name, whatever their case', () => {
    const headers = new HeaderList()
    headers.add('i', 'a@b')
    headers.add('CALL-ID', 'c@d')
    expect(headers.get('call-id')).toBe('a@b')
    expect(headers.lines('call-id')).toEqual(['a@b', 'c@d'])
  })

  test('a list header may be one line or several', () => {
    const headers = new HeaderList()
    headers.add('Supported', '100rel, Timer')
    headers.add('k', 'replaces')
    expect(headers.list('supported')).toEqual(['100rel', 'Timer', 'replaces'])
    expect(headers.names('supported', 'timer')).toBe(true)
    expect(headers.names('supported', 'rel')).toBe(false)
  })

  test.each([
    ['"Doe, John" <sip:a@b;x=1,2>, <sip:c@d>', ['"Doe, John" <sip:a@b;x=1,2>', '<sip:c@d>']],
    ['"quote \\" , inside" <sip:a@b>', ['"quote \\" , inside" <sip:a@b>']],
    ['a,, b ,', ['a', 'b']],
    ['', []],
    ['"never closed, a', ['"never closed, a']],
  ])('%s', (line, elements) => {
    expect(splitList(line)).toEqual(elements)
  })
})
