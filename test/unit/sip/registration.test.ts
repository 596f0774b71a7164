import { describe, expect, test } from 'vitest'
import { accountSchema } from '../../../src/adapters/sip/config/account.ts'
import { formatUri } from '../../../src/adapters/sip/message/uri.ts'
import { refreshDelayMs, retryDelayMs } from '../../../src/adapters/sip/registration/pace.ts'
import { Registrations } from '../../../src/adapters/sip/registration/registrations.ts'
import type { RegistrationStatus } from '../../../src/adapters/sip/registration/types.ts'
import { GatewayError } from '../../../src/errors.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { type Answer, ScriptedRegistrar } from '../../helpers/sip-registrar.ts'
import { strictLog } from '../../helpers/strict-log.ts'

const S = 1_000_000
const OK: Answer = { code: 200 }

const start = async (answers: readonly Answer[], account: object = {}) => {
  const registrar = new ScriptedRegistrar(...answers)
  const clock = new ManualClock()
  const history: RegistrationStatus[] = []
  const accounts = {
    pbx: accountSchema.parse({ uri: 'sip:alice@pbx.example', password: 'secret', ...account }),
  }
  const registrations = new Registrations(accounts, {
    signalling: registrar,
    clock,
    log: strictLog([]),
    random: () => 0,
    changed: status => history.push(status),
  })
  registrations.start()
  await settle()
  const status = (): RegistrationStatus => registrations.statusOf('pbx')!
  const inS = (at: number | undefined): number | undefined =>
    at === undefined ? undefined : Math.round((at - clock.wall()) / S)
  const shown = (): string => {
    const { state, expiresAt, nextTryAt, error } = status()
    return [state, inS(expiresAt) ?? '-', inS(nextTryAt) ?? '-', error ?? ''].join(' ').trimEnd()
  }
  return { registrar, clock, history, registrations, status, shown }
}

describe('a registration', () => {
  test('is asked for with one Call-ID and tag, a rising CSeq, and renewed before it ends', async () => {
    const { registrar, clock, shown, history } = await start([OK])
    expect(shown()).toBe('registered 600 450')
    await clock.advanceAsync(451 * S, S)
    expect(registrar.requests.length).toBe(2)
    const [first, second] = registrar.requests
    expect(first).toMatchObject({
      method: 'REGISTER',
      cseq: 1,
      credentials: { user: 'alice', password: 'secret' },
    })
    expect(formatUri(first!.uri)).toBe('sip:pbx.example')
    expect(formatUri(first!.to!.uri)).toBe('sip:alice@pbx.example')
    expect(first!.headers).toMatchObject({
      Contact: ['<sip:alice@192.0.2.10:5060>;expires=600'],
      Expires: '600',
      Supported: 'path',
    })
    expect(second).toMatchObject({ cseq: 2, callId: first!.callId, from: first!.from })
    expect(history.map(({ state }) => state)).toEqual(['registered', 'registered'])
  })

  test('holds as long as the registrar says: of our binding, else as a whole', async () => {
    const bindings =
      '"other" <sip:alice@203.0.113.9>;expires=3600, <sip:alice@192.0.2.10:5060;ob>;q=1;expires=120'
    expect((await start([{ code: 200, headers: { Contact: bindings } }])).shown()).toBe('registered 120 90')
    expect((await start([{ code: 200, headers: { Expires: '60' } }])).shown()).toBe('registered 60 45')
    expect((await start([{ code: 200, headers: {} }])).shown()).toBe('registered 600 450')
  })

  test('is none when the registrar lists others only', async () => {
    const { shown } = await start([{ code: 200, headers: { Contact: '<sip:bob@203.0.113.9>;expires=60' } }])
    expect(shown()).toBe('failed - 3 the registrar accepts, but holds no binding of ours')
  })

  test('goes through its proxy; calls then follow the Service-Route too', async () => {
    const route = '<sip:edge.example;lr>, <sip:core.example:5070;lr;x=1>'
    const { registrar, registrations } = await start([{ code: 200, headers: { 'Service-Route': route } }], {
      proxy: 'sip:edge.example;transport=tcp',
    })
    expect(registrar.requests[0]!.route?.map(formatUri)).toEqual(['sip:edge.example;transport=tcp;lr'])
    expect(registrations.routeOf('pbx')?.map(formatUri)).toEqual([
      'sip:edge.example;transport=tcp;lr',
      'sip:core.example:5070;lr;x=1',
    ])
    expect(registrations.routeOf('nobody')).toBeUndefined()
  })

  test('too short a life (423) is made longer at once, and stays so', async () => {
    const { registrar, clock, shown } = await start([{ code: 423, headers: { 'Min-Expires': '1800' } }, OK], {
      expiresS: 60,
    })
    expect(registrar.requests.map(({ headers }) => headers?.Expires)).toEqual(['60', '1800'])
    expect(shown()).toBe('registered 1800 1350')
    await clock.advanceAsync(1351 * S, 10 * S)
    expect(registrar.requests[2]!.headers?.Expires).toBe('1800')
  })

  test.each([
    ['without Min-Expires', {}],
    ['with one that is no longer', { 'Min-Expires': '600' }],
  ])('423 %s is a failure', async (_, headers) => {
    const { registrar, shown } = await start([{ code: 423, reason: 'Interval Too Brief', headers }])
    expect(registrar.requests.length).toBe(1)
    expect(shown()).toBe('failed - 30 pbx.example says 423 Interval Too Brief')
  })

  test('423 without end is given up', async () => {
    const growing = [700, 800, 900, 1000, 1100, 1200].map(
      (s): Answer => ({ code: 423, headers: { 'Min-Expires': String(s) } }),
    )
    const { registrar, shown } = await start(growing)
    expect(registrar.requests.length).toBe(4)
    expect(shown()).toBe('failed - 30 pbx.example says 423')
  })

  test.each([
    [401, 'Unauthorized', 'pbx.example says 401 Unauthorized: user or password are not accepted'],
    [403, 'Forbidden', 'pbx.example says 403 Forbidden: user or password are not accepted'],
    [404, 'Not Found', 'pbx.example says 404 Not Found'],
  ])('%i is told, and not asked again for half a minute and more', async (code, reason, error) => {
    const { clock, registrar, shown } = await start([{ code, reason }, { code, reason }, OK])
    expect(shown()).toBe(`failed - 30 ${error}`)
    await clock.advanceAsync(31 * S, S)
    expect(registrar.requests.length).toBe(2)
    expect(shown()).toBe(`failed - 59 ${error}`)
    await clock.advanceAsync(60 * S, S)
    expect(shown()).toMatch(/^registered/)
  })

  test('a password that is asked for and not there is named', async () => {
    const { shown } = await start([{ code: 401, reason: 'Unauthorized' }], { password: undefined })
    expect(shown()).toContain('it asks for a password, and none is configured')
  })

  test('silence, restart and overload of the registrar: tried again with growing waits, kept while it holds', async () => {
    const silent: Answer = { code: 408, silent: true }
    const { registrar, clock, shown, history } = await start([OK, silent])
    await clock.advanceAsync(450 * S, S)
    expect(shown()).toBe('registered 150 3 pbx.example does not answer')
    await clock.advanceAsync(149 * S, S)
    expect(shown()).toMatch(/^registered 1 \d+ pbx\.example does not answer/)
    await clock.advanceAsync(2 * S, S)
    expect(shown()).toMatch(/^failed - \d+ pbx\.example does not answer/)
    const tries = registrar.requests.length
    await clock.advanceAsync(3600 * S, 10 * S)
    expect(registrar.requests.length - tries).toBeLessThan(28)
    registrar.answers = [OK]
    await clock.advanceAsync(300 * S, S)
    expect(shown()).toMatch(/^registered/)
    expect(history.at(-1)).toMatchObject({ state: 'registered', error: undefined })
  })

  test('Retry-After is kept', async () => {
    const { clock, registrar, shown } = await start([
      { code: 503, reason: 'Busy', headers: { 'Retry-After': '120 (soon)' } },
    ])
    expect(shown()).toBe('failed - 120 pbx.example says 503 Busy')
    await clock.advanceAsync(119 * S, S)
    expect(registrar.requests.length).toBe(1)
    await clock.advanceAsync(2 * S, S)
    expect(registrar.requests.length).toBe(2)
  })

  test('a name that leads nowhere is told as it is', async () => {
    const registrar = await start([OK])
    registrar.registrar.lookUp = async () => {
      throw new GatewayError('connect-failed', 'pbx.example has no address')
    }
    await registrar.clock.advanceAsync(451 * S, S)
    expect(registrar.shown()).toContain('pbx.example has no address')
  })

  test('behind a NAT the address that the registrar sees is bound in place of ours, and kept open', async () => {
    const { registrar, clock, status } = await start([
      { code: 200, seen: '203.0.113.77:41000' },
      {
        code: 200,
        headers: { Contact: '<sip:alice@203.0.113.77:41000>;expires=600' },
        seen: '203.0.113.77:41000',
      },
    ])
    expect(registrar.requests[1]!.headers?.Contact).toEqual([
      '<sip:alice@203.0.113.77:41000>;expires=600',
      '<sip:alice@192.0.2.10:5060>;expires=0',
    ])
    expect(registrar.requests.length).toBe(2)
    expect(status()).toMatchObject({ state: 'registered', seenAs: '203.0.113.77:41000' })
    expect(registrar.learned).toEqual(['198.51.100.5 203.0.113.77:41000'])
    await clock.advanceAsync(101 * S, S)
    expect(registrar.kept.length).toBe(4)
    expect(registrar.kept[0]).toMatchObject({
      target: { ip: '198.51.100.5', port: 5060, transport: 'udp' },
      door: 0,
    })
  })

  test('an address that changes for ever does not register for ever', async () => {
    let port = 40_000
    const { registrar, clock, shown } = await start([OK])
    const answer = registrar.request.bind(registrar)
    registrar.request = async options => {
      registrar.answers = [{ code: 200, seen: `203.0.113.77:${port++}` }]
      return answer(options)
    }
    await clock.advanceAsync(451 * S, S)
    expect(registrar.requests.length).toBe(5)
    expect(shown()).toMatch(/^registered 599/)
  })

  test('our own address as configured is not replaced by what the registrar sees', async () => {
    const registrar = new ScriptedRegistrar({ code: 200, seen: '203.0.113.77:41000' })
    registrar.external = { host: '203.0.113.1' }
    const accounts = { pbx: accountSchema.parse({ uri: 'sip:alice@pbx.example' }) }
    const registrations = new Registrations(accounts, {
      signalling: registrar,
      clock: new ManualClock(),
      log: strictLog([]),
      random: () => 0,
      changed: () => undefined,
    })
    registrations.start()
    await settle()
    expect(registrar.requests.length).toBe(1)
  })

  test('is given back at the end', async () => {
    const { registrar, registrations, shown, clock } = await start([OK])
    await registrations.close(1000)
    expect(registrar.requests.at(-1)).toMatchObject({
      cseq: 2,
      headers: { Contact: ['<sip:alice@192.0.2.10:5060>;expires=0'], Expires: '0' },
    })
    expect(shown()).toBe('unregistered - -')
    await clock.advanceAsync(3600 * S, 60 * S)
    expect(registrar.requests.length).toBe(2)
  })

  test('what was never bound is not given back, and a registrar that is away holds nobody up', async () => {
    const failed = await start([{ code: 403 }])
    await failed.registrations.close(1000)
    expect(failed.registrar.requests.length).toBe(1)
    const away = await start([OK])
    away.registrar.request = () => new Promise(() => undefined)
    const closing = away.registrations.close(500)
    await away.clock.advanceAsync(S)
    await closing
    expect(away.shown()).toBe('unregistered - -')
  })
})

describe('how long is waited', () => {
  test.each([
    [503, 1, undefined, 0, 2500],
    [503, 1, undefined, 1, 5000],
    [503, 3, undefined, 1, 20_000],
    [408, 99, undefined, 1, 300_000],
    [403, 1, undefined, 0, 30_000],
    [403, 4, undefined, 1, 480_000],
    [403, 99, undefined, 1, 3_600_000],
    [503, 1, 60, 0, 60_000],
    [503, 1, 60, 1, 66_000],
    [503, 1, 999_999, 0, 3_600_000],
    [480, 1, undefined, 1, 5000],
    [603, 1, undefined, 1, 60_000],
  ])(
    'after %i, failure %i, Retry-After %s, chance %d: %i ms',
    (code, failures, retryAfterS, random, expected) => {
      expect(retryDelayMs(code, failures, retryAfterS, random)).toBe(expected)
    },
  )

  test.each([
    [600, 0, 450_000],
    [600, 1, 540_000],
    [1, 0, 750],
  ])('renewed of %i s, chance %d: after %i ms', (expiresS, random, expected) => {
    expect(refreshDelayMs(expiresS, random)).toBe(expected)
  })
})
