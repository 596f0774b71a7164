import { describe, expect, test } from 'vitest'
import { createPublishers, credentialOf } from '../../../src/adapters/rtmp/publishers.ts'

const mine = credentialOf({ stream: 's', user: 'me', pass: 'p' })
const yours = credentialOf({ stream: 's', user: 'you', pass: 'p' })

describe('who may take whose place', () => {
  test.each([
    ['nobody publishes over RTMP', undefined, mine, 0, 2000, 'reject'],
    ['same credentials, active', mine, mine, 10, 2000, 'take-over'],
    ['other credentials, active', mine, yours, 10, 2000, 'reject'],
    ['other credentials, silent', mine, yours, 2000, 2000, 'take-over'],
    ['no credentials, active', undefined, undefined, 1999, 2000, 'reject'],
    ['no credentials, silent', undefined, undefined, 2000, 2000, 'take-over'],
    ['turned off', mine, mine, 99_999, 0, 'reject'],
  ])('%s: %s', (what, current, next, silentMs, afterMs, expected) => {
    const publishers = createPublishers(afterMs)
    if (!what.startsWith('nobody')) publishers.add('s', { credential: current, silentMs: () => silentMs })
    expect(publishers.conflict('s', next)).toBe(expected)
    expect(publishers.conflict('other', next)).toBe('reject')
  })

  test('the one that was replaced does not remove its successor', () => {
    const publishers = createPublishers(2000)
    const removeFirst = publishers.add('s', { credential: mine, silentMs: () => 0 })
    const removeSecond = publishers.add('s', { credential: yours, silentMs: () => 0 })
    removeFirst()
    expect(publishers.conflict('s', yours)).toBe('take-over')
    removeSecond()
    expect(publishers.conflict('s', yours)).toBe('reject')
  })

  test('no credentials at all is no credential', () => {
    expect(credentialOf({ stream: 's' })).toBeUndefined()
    expect(credentialOf({ stream: 's', token: '' })).not.toBeUndefined()
  })
})
