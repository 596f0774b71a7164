import { expect, test } from 'vitest'
import { checkExposure } from '../../../src/access/exposure.ts'
import { accessSchema } from '../../../src/access/schema.ts'
import { type LogLine, recordingLogger } from '../../helpers/webrtc-gateway.ts'

const check = (access: unknown, host: string): LogLine[] => {
  const lines: LogLine[] = []
  checkExposure(accessSchema.parse(access), { host, port: 8080 }, recordingLogger(lines))
  return lines
}

test.each([
  [{}, '0.0.0.0'],
  [{ api: 'any' }, '127.0.0.1'],
  [{ api: 'any' }, '::1'],
  [{ api: 'any' }, 'localhost'],
  [{ api: ['loopback', '10.0.0.0/8'] }, '::'],
  [{ api: { from: 'any', key: 'a-good-key' } }, '0.0.0.0'],
  [{ api: { key: 'a-good-key' } }, '0.0.0.0'],
])('%j at %s starts', (access, host) => {
  expect(check(access, host)).toEqual([])
})

test.each([
  [{ api: 'any' }, '0.0.0.0'],
  [{ api: ['loopback', 'any'] }, '::'],
  [{ api: '0.0.0.0/0' }, '192.168.1.2'],
  [{ api: '::/0' }, 'gateway.example'],
  [{ api: { from: 'any', scope: 'read' } }, '0.0.0.0'],
  [{ api: [{ key: 'a-good-key' }, { from: 'any', scope: 'read' }] }, '0.0.0.0'],
])('%j at %s does not start, and one sentence says why', (access, host) => {
  expect(() => check(access, host)).toThrow(
    `http.listen ${host}:8080 can be reached from outside and access.api lets anybody in: give its rules a key, jwt or networks`,
  )
})

test('publishing without a key is said aloud', () => {
  expect(check({ publish: 'any' }, '0.0.0.0')).toMatchObject([{ level: 'warn' }])
})
