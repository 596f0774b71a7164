import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { localCandidates } from '../../../src/adapters/webrtc/candidates.ts'
import { webrtcConfig } from '../../../src/adapters/webrtc/config.ts'

const found = (...addresses: string[]): Record<string, NetworkInterfaceInfo[]> => ({
  any: addresses.map(address => ({ address }) as NetworkInterfaceInfo),
})
const machine = found('127.0.0.1', '::1', 'fe80::1', '169.254.3.4', '192.0.2.7', '2001:db8::7')
const candidates = (host: string, advertise: string[], interfaces = machine): string[] =>
  localCandidates(host, 8189, webrtcConfig.parse({ advertise }).advertise, interfaces).map(
    ({ ip, port }) => `${ip} ${port}`,
  )

describe('what clients are told', () => {
  test.each([
    ['one address', '127.0.0.1', [], ['127.0.0.1 8189']],
    ['all of IPv4', '0.0.0.0', [], ['192.0.2.7 8189', '127.0.0.1 8189']],
    ['all of both, IPv4 first', '::', [], ['192.0.2.7 8189', '2001:db8::7 8189', '127.0.0.1 8189']],
    ['an advertised address with our port', '0.0.0.0', ['203.0.113.1'], ['203.0.113.1 8189']],
    ['an advertised address with its own port', '0.0.0.0', ['203.0.113.1:5000'], ['203.0.113.1 5000']],
    [
      'several, IPv6 too',
      '0.0.0.0',
      ['203.0.113.1', '[2001:db8::1]:443', '2001:db8::2'],
      ['203.0.113.1 8189', '2001:db8::1 443', '2001:db8::2 8189'],
    ],
  ])('%s', (_, host, advertise, expected) => {
    expect(candidates(host, advertise)).toEqual(expected)
  })

  test('a machine without a network still has its loopback', () => {
    expect(candidates('0.0.0.0', [], found('127.0.0.1'))).toEqual(['127.0.0.1 8189'])
  })

  test.each(['example.org', '1.2.3', '203.0.113.1:0', '203.0.113.1:65536', '[::1', ''])(
    '%j is refused',
    text => {
      expect(() => webrtcConfig.parse({ advertise: [text] })).toThrow(/not an IP address/)
    },
  )

  test('defaults and unknown keys', () => {
    expect(webrtcConfig.parse({}).listen).toEqual({ host: '127.0.0.1', port: 8189 })
    expect(() => webrtcConfig.parse({ advertize: [] })).toThrow(/advertize/)
  })
})
