import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createResolveHost, type Lookup, outboundSchema } from '../../../src/access/outbound.ts'
import { accessSchema } from '../../../src/access/schema.ts'
import type { AdapterContext, ResolveHost } from '../../../src/adapters/adapter.ts'
import { flv } from '../../../src/adapters/flv/adapter.ts'
import { rtmp } from '../../../src/adapters/rtmp/adapter.ts'
import { isPrivateAddress } from '../../../src/net/private-addresses.ts'
import { createTestContext } from '../../helpers/adapter-context.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

describe('private addresses', () => {
  test.each([
    ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
    ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.168.0.1'],
    ...[
      '198.18.0.1',
      '198.51.100.7',
      '203.0.113.9',
      '224.0.0.1',
      '239.255.255.250',
      '240.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::',
      '::1',
      '::127.0.0.1',
      'fe80::1',
      'fe80::1%eth0',
      'febf::1',
      'fec0::1',
      'fc00::1',
      'fd00:ec2::254',
    ],
    ...[
      'ff02::1',
      '100::1',
      '2001::1',
      '2001:0:4136:e378:8000:63bf:3fff:fdd2',
      '2001:db8::1',
      '3fff::1',
      '5f00::1',
    ],
    ...[
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::FFFF:A9FE:A9FE',
      '::ffff:192.168.1.1',
      '0:0:0:0:0:ffff:0a00:0001',
    ],
    ...['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::10.0.0.1', '64:ff9b:1::1'],
    ...['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:c0a8:101::1'],
    ...['', 'localhost', 'not an address'],
  ])('%s is one', address => {
    expect(isPrivateAddress(address)).toBe(true)
  })
  test.each([
    ...[
      '1.1.1.1',
      '8.8.8.8',
      '100.63.255.255',
      '100.128.0.1',
      '172.15.0.1',
      '172.32.0.1',
      '192.167.1.1',
      '223.255.255.255',
    ],
    ...['2606:4700:4700::1111', '2a00:1450::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'],
  ])('%s is none', address => {
    expect(isPrivateAddress(address)).toBe(false)
  })
})

const open = accessSchema.parse({ api: { key: 'a-good-key' } })
/** A DNS of our own: each name has a list of answers, given out one after the other. */
const dns = (names: Record<string, readonly string[][]>): Lookup & { asked: string[] } => {
  const asked: string[] = []
  const look: Lookup = async host => {
    const answers = names[host]
    if (answers === undefined) throw new Error(`ENOTFOUND ${host}`)
    const answer = answers[Math.min(asked.filter(name => name === host).length, answers.length - 1)]!
    asked.push(host)
    return answer.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  return Object.assign(look, { asked })
}
const resolver = (look: Lookup, allowPrivate: string[] = []): ResolveHost =>
  createResolveHost(outboundSchema.parse({ allowPrivate }), open, look)!

describe('hosts', () => {
  const look = dns({
    'public.example': [['93.184.216.34', '2606:2800:220:1::1']],
    'inside.example': [['10.1.2.3']],
    'mixed.example': [['93.184.216.34', '::ffff:10.0.0.1']],
    'dressed.example': [['64:ff9b::a9fe:a9fe']],
    'nothing.example': [[]],
    localhost: [['127.0.0.1', '::1']],
    '2130706433': [['127.0.0.1']],
    '0177.0.0.1': [['127.0.0.1']],
  })
  test('public ones are found', async () => {
    expect(await resolver(look)('public.example')).toHaveLength(2)
    expect(await resolver(look)('8.8.8.8')).toEqual([{ address: '8.8.8.8', family: 4 }])
  })
  test.each([
    ...[
      'inside.example',
      'mixed.example',
      'dressed.example',
      'nothing.example',
      'localhost',
      '127.0.0.1',
      '::1',
    ],
    ...['2130706433', '0177.0.0.1', '169.254.169.254', '::ffff:7f00:1'],
  ])('%s is refused', async host => {
    await expect(resolver(look)(host)).rejects.toMatchObject({ code: 'forbidden' })
  })
  test('the refusal says what is where, and which setting allows it', async () => {
    await expect(resolver(look)('inside.example')).rejects.toThrow(
      'inside.example is 10.1.2.3: outbound.allowPrivate says which private addresses may be reached',
    )
  })
  test('an unknown name is no refusal', async () => {
    await expect(resolver(look)('unknown.example')).rejects.toMatchObject({ code: 'connect-failed' })
  })
  test.each([
    ['inside.example', ['10.0.0.0/8'], true],
    ['inside.example', ['10.1.2.3'], true],
    ['inside.example', ['inside.example'], true],
    ['INSIDE.example', ['inside.example'], undefined],
    ['inside.example', ['192.168.0.0/16'], false],
    ['mixed.example', ['10.0.0.0/8'], true],
    ['localhost', ['127.0.0.1'], false],
    ['localhost', ['127.0.0.1', '::1'], true],
    ['127.0.0.1', ['localhost'], false],
  ] as const)('%s with %j allowed: %s', async (host, allowed, expected) => {
    const found = resolver(look, [...allowed])(host)
    if (expected === true) await expect(found).resolves.toBeDefined()
    else await expect(found).rejects.toMatchObject(expected === false ? { code: 'forbidden' } : {})
  })
})

describe('when nothing is configured', () => {
  const choose = (access: unknown, outbound: object = {}): ResolveHost | undefined =>
    createResolveHost(outboundSchema.parse(outbound), accessSchema.parse(access))
  test.each([
    [{}, {}, false],
    [{ api: { from: 'loopback', key: 'a-good-key' } }, {}, false],
    [{ api: ['127.0.0.1', '::1'] }, {}, false],
    [{ api: ['loopback', '10.0.0.0/8'] }, {}, true],
    [{ api: { key: 'a-good-key' } }, {}, true],
    [{}, { allowPrivate: [] }, true],
    [{ api: { key: 'a-good-key' } }, { allowPrivate: ['any'] }, false],
  ])('%j with %j: checked is %s', (access, outbound, checked) => {
    expect(choose(access, outbound) !== undefined).toBe(checked)
  })
})

/** Answers as told, and notes what it was asked. */
const serve = async (answer: (path: string) => { status: number; location?: string }) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`)
    const { status, location } = answer(request.url!)
    response.writeHead(status, location === undefined ? {} : { location }).end()
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { asked, port: (server.address() as AddressInfo).port }
}
const pull = async (resolveHost: ResolveHost, url: string): Promise<unknown> => {
  const base = createTestContext()
  const context: AdapterContext = { ...base, resolveHost }
  const adapter = url.startsWith('http') ? flv : rtmp
  const publication = base.registry.publish('live/x', { label: 'test', onConflict: 'reject' })
  const config = adapter.config.parse({ connectTimeoutMs: 1000 })
  const error: unknown = await adapter.pull!(context, config as never, new URL(url), publication).catch(
    (thrown: unknown) => thrown,
  )
  await base.close()
  return error
}

describe('adapters keep to it', () => {
  test.each([
    'http://127.0.0.1:PORT/x.flv',
    'http://localhost:PORT/x.flv',
    'http://2130706433:PORT/x.flv',
    'http://0177.0.0.1:PORT/x.flv',
    'http://0x7f.1:PORT/x.flv',
    'http://127.1:PORT/x.flv',
    'http://[::1]:PORT/x.flv',
    'http://[::ffff:127.0.0.1]:PORT/x.flv',
    'http://[::ffff:7f00:1]:PORT/x.flv',
    'http://0.0.0.0:PORT/x.flv',
    'rtmp://127.0.0.1:PORT/live/x',
    'rtmp://localhost:PORT/live/x',
    'rtmp://2130706433:PORT/live/x',
    'rtmp://0177.0.0.1:PORT/live/x',
    'rtmp://0x7f000001:PORT/live/x',
    'rtmp://[::1]:PORT/live/x',
    'rtmp://[::ffff:127.0.0.1]:PORT/live/x',
    'rtmps://127.0.0.1:PORT/live/x',
  ])('%s: nobody knocks there', async url => {
    const { port, asked } = await serve(() => ({ status: 200 }))
    const connections = vi.fn()
    servers.at(-1)!.on('connection', connections)
    // The system's own resolver: it is what reads 0177.0.0.1 and the like.
    const resolveHost = createResolveHost(outboundSchema.parse({ allowPrivate: [] }), open)!
    expect(await pull(resolveHost, url.replace('PORT', String(port)))).toMatchObject({ code: 'forbidden' })
    expect([asked, connections.mock.calls.length]).toEqual([[], 0])
  })

  test('a name that is public when it is looked at is not asked for again when it is connected to', async () => {
    const { port, asked } = await serve(() => ({ status: 404 }))
    // First the allowed address, ever after another: as a rebinding name server would.
    const look = dns({ 'rebind.example': [['127.0.0.1'], ['169.254.169.254']] })
    const resolveHost = resolver(look, ['127.0.0.1'])
    expect(await pull(resolveHost, `http://rebind.example:${port}/x.flv`)).toMatchObject({ code: 'refused' })
    expect([look.asked, asked]).toEqual([['rebind.example'], [`rebind.example:${port}/x.flv`]])
    expect(await pull(resolveHost, `http://rebind.example:${port}/x.flv`)).toMatchObject({
      code: 'forbidden',
    })
    expect(asked).toHaveLength(1)
  })

  test.each([
    'http://169.254.169.254/latest/meta-data/x.flv',
    'http://[::ffff:169.254.169.254]/x.flv',
    'http://metadata.example/x.flv',
    'http://localhost:PORT/x.flv',
  ])('a redirect to %s is not followed', async location => {
    const { port, asked } = await serve(() => ({
      status: 302,
      location: location.replace('PORT', String(port)),
    }))
    const look = dns({
      'far.example': [['127.0.0.1']],
      'metadata.example': [['169.254.169.254']],
      localhost: [['127.0.0.2']],
    })
    const error = await pull(resolver(look, ['127.0.0.1']), `http://far.example:${port}/x.flv`)
    expect(error).toMatchObject({ code: 'forbidden' })
    expect(asked).toEqual([`far.example:${port}/x.flv`])
  })
  test.each(['file:///etc/passwd.flv', 'ftp://far.example/x.flv', 'gopher://far.example/x.flv'])(
    'a redirect to %s is not followed either',
    async location => {
      const { port } = await serve(() => ({ status: 302, location }))
      const look = dns({ 'far.example': [['127.0.0.1']] })
      const error = await pull(resolver(look, ['127.0.0.1']), `http://far.example:${port}/x.flv`)
      expect(error).toMatchObject({ code: 'refused' })
    },
  )
})
