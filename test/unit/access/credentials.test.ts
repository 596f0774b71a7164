import { describe, expect, test } from 'vitest'
import { credentialOf, httpCredentials } from '../../../src/adapters/credentials.ts'
import { joinPath } from '../../../src/adapters/rtmp/url.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const request = (authorization: string | undefined, query = ''): Request =>
  new Request(`http://localhost/x${query}`, authorization === undefined ? {} : { headers: { authorization } })

describe('over HTTP', () => {
  test.each([
    ['Bearer abc.def', '', { token: 'abc.def' }],
    ['bearer   abc', '', { token: 'abc' }],
    [`Basic ${base64('me:a:b')}`, '', { user: 'me', pass: 'a:b' }],
    [`Basic ${base64('me')}`, '', { user: 'me', pass: '' }],
    ['Bearer abc', '?token=other', { token: 'abc' }],
    [undefined, '?token=abc', { token: 'abc' }],
    [undefined, '?key=abc', { token: 'abc' }],
    [undefined, '?user=me&pass=a%26b', { user: 'me', pass: 'a&b' }],
    [undefined, '?token=', { token: '' }],
    [undefined, '', {}],
    ['Digest username="me"', '', {}],
    ['Bearer', '', {}],
    ['Bearer a b', '', {}],
    ['Basic %%%', '', { user: '', pass: '' }],
  ])('%s %s', (header, query, expected) => {
    expect(httpCredentials(request(header, query))).toEqual(expected)
  })
})

describe('over RTMP', () => {
  test.each([
    ['live', 'cam?key=abc', { token: 'abc' }],
    ['live?key=abc', 'cam', { token: 'abc' }],
    ['live', 'cam?token=a.b.c', { token: 'a.b.c' }],
    ['live', 'cam?user=me&pass=secret', { user: 'me', pass: 'secret' }],
    ['live', 'cam', {}],
  ])('%s and %s', (app, key, expected) => {
    expect(joinPath(app, undefined, key)).toEqual({ stream: 'live/cam', ...expected })
  })
})

test('credentials are known again without being kept', () => {
  const token = 'canary-1234'
  expect(credentialOf({})).toBeUndefined()
  expect(credentialOf({ token })).toBe(credentialOf({ token }))
  expect(credentialOf({ token })).not.toBe(credentialOf({ pass: token }))
  expect(credentialOf({ user: 'a', pass: 'b' })).not.toBe(credentialOf({ user: 'ab' }))
  expect(credentialOf({ token })).not.toContain(token)
})
