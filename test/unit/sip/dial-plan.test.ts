import { describe, expect, test } from 'vitest'
import { type SipConfig, sipConfig } from '../../../src/adapters/sip/config.ts'
import { type Calling, fillTemplate, judgeCall } from '../../../src/adapters/sip/dial-plan.ts'

const routesOf = (...routes: object[]): SipConfig['routes'] =>
  sipConfig.parse({ routes, accounts: { pbx: { uri: 'sip:a@pbx.example' } } }).routes

const calling = (over: Partial<Calling> = {}): Calling => ({
  called: '1000',
  domain: 'gw.example',
  caller: 'alice',
  remote: '127.0.0.1',
  ...over,
})

const local = { called: '1000', from: ['127.0.0.1/32'] }
const signed = { called: '2000', auth: { user: 'bob', password: 'secret' } }

describe('who may call', () => {
  test.for<[what: string, routes: object[], Partial<Calling>, outcome: string | number]>([
    ['an empty plan refuses everybody', [], {}, 404],
    ['the number and the address fit', [local], {}, 'admitted'],
    ['an address in IPv6 clothes', [local], { remote: '::ffff:127.0.0.1' }, 'admitted'],
    ['another number', [local], { called: '1001' }, 404],
    ['a number that only begins so', [local], { called: '10001' }, 404],
    ['a number that is a part of it', [local], { called: '100' }, 404],
    ['from another address', [local], { remote: '127.0.0.2' }, 403],
    ['what is no address', [local], { remote: 'localhost' }, 403],
    ['nobody is called', [{ called: '/.*/', from: 'any' }], { called: '' }, 484],
    ['a pattern is meant for the whole', [{ called: '/7\\d/', from: 'any' }], { called: '712' }, 404],
    ['alternatives of a pattern too', [{ called: '/1|2/', from: 'any' }], { called: '13' }, 404],
    ['a pattern', [{ called: '/7\\d+/', from: 'any' }], { called: '712' }, 'admitted'],
    ['case counts', [{ called: '/room/', from: 'any' }], { called: 'Room' }, 404],
    ['unless it does not', [{ called: '/room/i', from: 'any' }], { called: 'Room' }, 'admitted'],
    ['a dot is a dot', [{ called: '1.00', from: 'any' }], { called: '1000' }, 404],
    ['loopback', [{ called: '1000', from: 'loopback' }], { remote: '::1' }, 'admitted'],
    ['not loopback', [{ called: '1000', from: 'loopback' }], { remote: '192.0.2.1' }, 403],
    ['another domain', [{ ...local, domain: 'other.example' }], {}, 404],
    ['the domain, whatever its case', [{ ...local, domain: 'GW.example' }], {}, 'admitted'],
    ['a caller that is meant', [{ ...local, caller: '/al.*/' }], {}, 'admitted'],
    ['another caller', [{ ...local, caller: 'bob' }], {}, 403],
    ['no signature yet', [signed], { called: '2000' }, 'challenged'],
    ['signed by the right one', [signed], { called: '2000', user: 'bob' }, 'admitted'],
    ['signed by another', [signed], { called: '2000', user: 'eve' }, 403],
    ['address and password', [{ ...signed, from: 'loopback' }], { called: '2000' }, 'challenged'],
    [
      'password but not the address',
      [{ ...signed, from: '10.0.0.0/8' }],
      { called: '2000', user: 'bob' },
      403,
    ],
    ['by an account', [{ called: '1000', account: 'pbx' }], { account: 'pbx' }, 'admitted'],
    ['not by that account', [{ called: '1000', account: 'pbx' }], {}, 403],
    ['the second rule', [{ ...local, from: '10.0.0.0/8' }, local], {}, 'admitted'],
  ])('%s', ([, routes, over, outcome]) => {
    const verdict = judgeCall(routesOf(...routes), calling(over))
    expect(verdict.outcome === 'refused' ? verdict.code : verdict.outcome).toBe(outcome)
    expect(verdict.rules).toHaveLength(routes.length)
    expect(verdict.rules.filter(({ admits }) => admits)).toHaveLength(outcome === 'admitted' ? 1 : 0)
  })

  test('the first rule that matches decides, and the others say so', () => {
    const routes = routesOf(
      { ...local, name: 'elsewhere', called: '9' },
      { ...local, name: 'first', hear: 'a' },
      { ...local, name: 'second', hear: 'b' },
    )
    const verdict = judgeCall(routes, calling())
    expect(verdict.outcome === 'admitted' && verdict.route.hear).toBe('a')
    expect(verdict.rules).toEqual([
      { rule: 'elsewhere', admits: false, why: 'called: 1000 is not 9' },
      { rule: 'first', admits: true, why: 'admits it' },
      { rule: 'second', admits: false, why: 'comes after first, which decides' },
    ])
  })

  test('each of several phones has a rule with a password of its own', () => {
    const routes = routesOf(signed, { ...signed, auth: { user: 'alice', password: 'other' } })
    const asked = judgeCall(routes, calling({ called: '2000' }))
    expect(asked.outcome === 'challenged' && asked.routes.map(({ auth }) => auth?.user)).toEqual([
      'bob',
      'alice',
    ])
    const alice = judgeCall(routes, calling({ called: '2000', user: 'alice' }))
    expect(alice.outcome === 'admitted' && alice.route.auth?.user).toBe('alice')
  })

  test('a refusal says what was wrong, and does not repeat a long number', () => {
    const away = judgeCall(routesOf(local), calling({ remote: '192.0.2.7' }))
    expect(away).toMatchObject({
      code: 403,
      detail: '1000 may not be called from here: from: 192.0.2.7 is not in 127.0.0.1/32',
    })
    const long = judgeCall(routesOf(local), calling({ called: 'x'.repeat(5000) }))
    expect(long.outcome === 'refused' && long.detail.length).toBeLessThan(120)
  })
})

describe('names of streams', () => {
  test.for<[string, Partial<Calling>, string]>([
    ['calls/{callId}', {}, 'calls/c1'],
    ['{called}/{caller}', {}, '1000/alice'],
    ['rooms/{room}', {}, 'rooms/42'],
    ['from/{caller}', { caller: '+49 (30) 123' }, 'from/49-30-123'],
    ['from/{caller}', { caller: '../../etc' }, 'from/etc'],
    ['from/{caller}', { caller: '' }, 'from/unknown'],
    ['from/{caller}', { caller: '...' }, 'from/unknown'],
    ['from/{caller}', { caller: 'ä'.repeat(500) }, 'from/unknown'],
    ['{nothing}', {}, 'unknown'],
  ])('%s', ([template, over, name]) => {
    expect(fillTemplate(template, calling(over), { room: '42' }, 'c1')).toBe(name)
  })
})

describe('the configuration', () => {
  test.for<[string, object]>([
    ['a rule for nobody', { routes: [{ called: '1000' }] }],
    ['a pattern that is none', { routes: [{ called: '/(/', from: 'any' }] }],
    ['a name that no stream has', { routes: [{ called: '1', from: 'any', publish: 'a b' }] }],
    ['a network that is none', { routes: [{ called: '1', from: '10.0.0.0/33' }] }],
    ['a PIN of letters', { routes: [{ called: '1', from: 'any', pin: 'abcd' }] }],
    ['an account that is not there', { routes: [{ called: '1', account: 'pbx' }] }],
    [
      'one name for an account and a trunk',
      { accounts: { a: { uri: 'sip:a@b' } }, trunks: { a: { uri: 'sip:a@b' } } },
    ],
    ['ports the wrong way round', { ports: { min: 30000, max: 20000 } }],
    ['an address outside that is a name', { external: 'gw.example' }],
  ])('refuses %s', ([, section]) => {
    expect(() => sipConfig.parse(section)).toThrow()
  })

  test('a number that YAML reads as one is to stand in quotes', () => {
    expect(() => sipConfig.parse({ routes: [{ called: 1000, from: 'any' }] })).toThrow(/stands in quotes/)
  })

  test('passwords and PINs are never shown', () => {
    const config = sipConfig.parse({
      routes: [{ ...signed, pin: '4711' }],
      accounts: { pbx: { uri: 'sip:a@pbx.example', password: 'hushhush' } },
    })
    expect(JSON.stringify(config)).not.toMatch(/4711|hushhush|"secret"/)
  })
})
