import { expect, test } from 'vitest'
import { wayTo } from '../../../src/adapters/sip/calls/place-call.ts'
import { sipConfig } from '../../../src/adapters/sip/config.ts'
import { hostOfUri, judgeOutbound, type Wanted } from '../../../src/adapters/sip/outbound-plan.ts'

const config = (outbound: object) =>
  sipConfig.parse({
    outbound,
    accounts: { pbx: { uri: 'sip:alice@PBX.example:5070' } },
    trunks: { carrier: { uri: 'sips:us@carrier.example' } },
  })

const all = { domains: ['*'], numbers: ['*'] }

test.for<[what: string, outbound: object, Wanted, way: string]>([
  ['nothing is allowed by default', {}, { user: 'bob', host: '192.0.2.1' }, 'forbidden'],
  ['nor through an account', {}, { user: '100', host: 'pbx.example' }, 'forbidden'],
  ['a domain that is named', { domains: ['a.example'] }, { user: 'bob', host: 'a.example' }, 'direct'],
  ['a domain beneath it', { domains: ['a.example'] }, { user: 'bob', host: 'b.a.example' }, 'forbidden'],
  ['a domain that ends so', { domains: ['a.example'] }, { user: 'bob', host: 'aa.example' }, 'forbidden'],
  ['numbers do not open domains', { numbers: ['*'] }, { user: '1', host: 'a.example' }, 'forbidden'],
  ['domains do not open accounts', { domains: ['*'] }, { user: '1', host: 'pbx.example' }, 'forbidden'],
  ['a beginning that is allowed', { numbers: ['+49'] }, { user: '+4930123', host: 'pbx.example' }, 'pbx'],
  [
    'a number written for people',
    { numbers: ['+4930'] },
    { user: '+49 (30) 1-2', host: 'pbx.example' },
    'pbx',
  ],
  ['another beginning', { numbers: ['+49'] }, { user: '+1900555', host: 'pbx.example' }, 'forbidden'],
  ['the same without its plus', { numbers: ['+49'] }, { user: '4930', host: 'pbx.example' }, 'forbidden'],
  [
    'what is denied in spite of it',
    { ...all, deny: ['+49900'] },
    { user: '+49-900-1', host: 'x' },
    'forbidden',
  ],
  [
    'denied through an account',
    { ...all, deny: ['0900'] },
    { user: '0900 1', host: 'pbx.example' },
    'forbidden',
  ],
  ['the trunk that is asked for', all, { user: '1', host: 'pbx.example', account: 'carrier' }, 'carrier'],
  [
    'somebody else through an account',
    { numbers: ['*'] },
    { user: '1', host: 'evil.example', account: 'pbx' },
    'forbidden',
  ],
  ['a number alone', { numbers: ['*'] }, { user: '1', host: '', account: 'pbx' }, 'pbx'],
  [
    'denied with parameters behind the number',
    { ...all, deny: ['+49900'] },
    { user: '+49-900-1;isub=1', host: 'pbx.example' },
    'forbidden',
  ],
  ['a trunk that is not there', all, { user: '1', host: 'x', account: 'other' }, 'bad-request'],
])('%s', ([, outbound, wanted, way]) => {
  const judge = (): string => {
    try {
      return judgeOutbound(config(outbound), wanted).account ?? 'direct'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  expect(judge()).toBe(way)
})

test('where maddr leads is what must be allowed', () => {
  const way = (uri: string) => wayTo({ config: config({ numbers: ['*'], domains: ['b.example'] }) }, uri)
  expect(way('sip:1@pbx.example').account).toBe('pbx')
  expect(way('sip:1@pbx.example;maddr=B.example').account).toBeUndefined()
  expect(() => way('sip:1@pbx.example;maddr=192.0.2.66')).toThrow(/does not name 192\.0\.2\.66/)
})

test.for([
  ['sip:alice@pbx.example', 'pbx.example'],
  ['sips:PBX.example:5061;transport=tcp', 'pbx.example'],
  ['sip:a@[2001:db8::1]:5060', '[2001:db8::1]'],
  ['sip:a@10.0.0.1?x=y', '10.0.0.1'],
])('%s is at %s', ([uri, host]) => {
  expect(hostOfUri(uri!)).toBe(host)
})
