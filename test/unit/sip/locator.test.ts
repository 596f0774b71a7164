/** RFC 3263 and RFC 2782 against a made-up DNS. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { TransportKind } from '../../../src/adapters/sip/addresses.ts'
import { Locator } from '../../../src/adapters/sip/dns/locator.ts'
import { orderSrv } from '../../../src/adapters/sip/dns/srv-order.ts'
import type { DnsResolver, NaptrRecord, SrvRecord } from '../../../src/adapters/sip/signalling.ts'
import { GatewayError } from '../../../src/errors.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { createRandom } from '../../helpers/random.ts'
import { uri } from '../../helpers/sip-peer.ts'

const srv = (name: string, port: number, priority = 1, weight = 1): SrvRecord => ({
  name,
  port,
  priority,
  weight,
})
const naptr = (order: number, service: string, replacement: string, preference = 1): NaptrRecord => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
})

interface Zone {
  readonly naptr?: Record<string, readonly NaptrRecord[]>
  readonly srv?: Record<string, readonly SrvRecord[]>
  readonly hosts?: Record<string, readonly string[]>
}

let clock: ManualClock
let asked: string[]

beforeEach(() => {
  clock = new ManualClock()
  asked = []
})

const resolverOf = ({ naptr: n = {}, srv: s = {}, hosts = {} }: Zone): DnsResolver => {
  const find = <T>(zone: Record<string, readonly T[]>, kind: string, name: string): Promise<readonly T[]> => {
    asked.push(`${kind} ${name}`)
    const found = zone[name]
    return found === undefined ? Promise.reject(new Error(`ENOTFOUND ${name}`)) : Promise.resolve(found)
  }
  return {
    resolveNaptr: name => find(n, 'NAPTR', name),
    resolveSrv: name => find(s, 'SRV', name),
    lookup: async name => (await find(hosts, 'A', name)).map(address => ({ address, family: 4 })),
  }
}

const open = (zone: Zone, ours: TransportKind[] = ['udp', 'tcp', 'tls']): Locator =>
  new Locator(resolverOf(zone), clock, () => 0, new Set(ours))

const locate = async (locator: Locator, text: string): Promise<string[]> =>
  (await locator.locate(uri(text))).map(
    ({ transport, ip, port, name }) => `${transport} ${ip}:${port} ${name}`,
  )

const hosts = {
  'example.com': ['1.1.1.1', '1.1.1.2'],
  'a.example.com': ['2.2.2.1'],
  'b.example.com': ['2.2.2.2'],
}

describe('where a URI leads', () => {
  test.each([
    ['sip:x@9.9.9.9', ['udp 9.9.9.9:5060 9.9.9.9']],
    ['sip:x@[2001:db8::1]:5070;transport=tcp', ['tcp 2001:db8::1:5070 2001:db8::1']],
    ['sips:x@9.9.9.9', ['tls 9.9.9.9:5061 9.9.9.9']],
    ['sip:x@example.com;maddr=9.9.9.8', ['udp 9.9.9.8:5060 9.9.9.8']],
  ])('an address needs nobody: %s', async (text, targets) => {
    expect(await locate(open({}), text)).toEqual(targets)
    expect(asked).toEqual([])
  })

  test.each([
    [
      'sip:x@example.com:5070',
      ['udp 1.1.1.1:5070 example.com', 'udp 1.1.1.2:5070 example.com'],
      ['A example.com'],
    ],
    ['sips:x@a.example.com:5071', ['tls 2.2.2.1:5071 a.example.com'], ['A a.example.com']],
    [
      'sip:x@a.example.com;transport=tcp',
      ['tcp 2.2.2.1:5060 a.example.com'],
      ['SRV _sip._tcp.a.example.com', 'A a.example.com'],
    ],
    [
      'sip:x@a.example.com',
      ['udp 2.2.2.1:5060 a.example.com'],
      [
        'NAPTR a.example.com',
        'SRV _sip._udp.a.example.com',
        'SRV _sip._tcp.a.example.com',
        'SRV _sips._tcp.a.example.com',
        'A a.example.com',
      ],
    ],
  ])('%s', async (text, targets, questions) => {
    expect(await locate(open({ hosts }), text)).toEqual(targets)
    expect(asked).toEqual(questions)
  })

  test('SRV in the order of priorities, each with all its addresses', async () => {
    const records = [
      srv('b.example.com', 5062, 20),
      srv('a.example.com', 5061, 10),
      srv('gone.example.com', 1, 5),
    ]
    const locator = open({ hosts, srv: { '_sip._udp.example.com': records } })
    expect(await locate(locator, 'sip:example.com')).toEqual([
      'udp 2.2.2.1:5061 example.com',
      'udp 2.2.2.2:5062 example.com',
    ])
  })

  test('NAPTR chooses the transport, of those that we have', async () => {
    const zone = {
      hosts,
      naptr: {
        'example.com': [
          naptr(2, 'SIP+D2U', 'u.example.com'),
          naptr(1, 'SIPS+D2T', 't.example.com'),
          naptr(0, 'SIP+D2S', 's.example.com'),
        ],
      },
      srv: { 'u.example.com': [srv('a.example.com', 5060)], 't.example.com': [srv('b.example.com', 5061)] },
    }
    expect(await locate(open(zone), 'sip:example.com')).toEqual(['tls 2.2.2.2:5061 example.com'])
    expect(await locate(open(zone, ['udp']), 'sip:example.com')).toEqual(['udp 2.2.2.1:5060 example.com'])
  })

  test('a root says that there is no such service', async () => {
    const locator = open({ hosts, srv: { '_sip._udp.example.com': [srv('.', 0)] } })
    expect(await locate(locator, 'sip:example.com;transport=udp')).toEqual([
      'udp 1.1.1.1:5060 example.com',
      'udp 1.1.1.2:5060 example.com',
    ])
  })

  test('a name that leads nowhere says so, and is asked again after five seconds', async () => {
    const locator = open({})
    await expect(locate(locator, 'sip:nobody.example')).rejects.toThrow(GatewayError)
    await expect(locate(locator, 'sip:nobody.example')).rejects.toThrow('nobody.example: ENOTFOUND')
    expect(asked.filter(question => question.startsWith('A'))).toHaveLength(1)
    clock.advance(6e6)
    await expect(locate(locator, 'sip:nobody.example')).rejects.toThrow()
    expect(asked.filter(question => question.startsWith('A'))).toHaveLength(2)
  })

  test('what was found holds for half a minute', async () => {
    const locator = open({ hosts })
    await locate(locator, 'sip:a.example.com:5060')
    await locate(locator, 'sip:other@a.example.com:5060')
    expect(asked).toHaveLength(1)
    clock.advance(31e6)
    await locate(locator, 'sip:a.example.com:5060')
    expect(asked).toHaveLength(2)
  })
})

describe('weights', () => {
  test('are kept to over many draws', () => {
    const random = createRandom(1)
    const records = [
      srv('heavy', 1, 1, 90),
      srv('light', 1, 1, 10),
      srv('idle', 1, 1, 0),
      srv('last', 1, 2, 100),
    ]
    const firsts: Record<string, number> = {}
    for (let i = 0; i < 2000; i++) {
      const order = orderSrv(records, () => random(1_000_000) / 1_000_000).map(({ name }) => name)
      expect(order.at(-1)).toBe('last')
      firsts[order[0]!] = (firsts[order[0]!] ?? 0) + 1
    }
    expect(firsts.heavy).toBeGreaterThan(1700)
    expect(firsts.light).toBeGreaterThan(120)
    expect(firsts.last).toBeUndefined()
  })
})
