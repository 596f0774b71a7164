import { beforeEach, describe, expect, test } from 'vitest'
import type { Sign } from '../../../src/adapters/sip/client/sign.ts'
import { createSign } from '../../../src/adapters/sip/digest/client.ts'
import { digestHash, digestResponse } from '../../../src/adapters/sip/digest/hash.ts'
import { DigestServer } from '../../../src/adapters/sip/digest/server.ts'
import type { RequestDraft } from '../../../src/adapters/sip/message/format-message.ts'
import { formatRequest } from '../../../src/adapters/sip/message/format-message.ts'
import { HeaderList } from '../../../src/adapters/sip/message/header-list.ts'
import { parseMessage } from '../../../src/adapters/sip/message/parse-message.ts'
import type { SipRequest, SipResponse } from '../../../src/adapters/sip/message/types.ts'
import type { DigestSecret } from '../../../src/adapters/sip/request.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

const draft: RequestDraft = {
  method: 'REGISTER',
  uri: 'sip:example.com',
  route: [],
  from: '<sip:bob@example.com>;tag=1',
  to: '<sip:bob@example.com>',
  callId: '1',
  cseq: 1,
  headers: {},
}

const challenged = (code: 401 | 407, ...challenges: string[]): SipResponse => {
  const name = code === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate'
  const lines = challenges.map(challenge => `${name}: ${challenge}\r\n`).join('')
  const text = `SIP/2.0 ${code} X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n${lines}\r\n`
  return parseMessage(Buffer.from(text)) as SipResponse
}

const asRequest = (of: RequestDraft): SipRequest =>
  parseMessage(formatRequest(of, 'SIP/2.0/UDP h;branch=z9hG4bK1', 'us')) as SipRequest

describe('the hash', () => {
  // The examples of RFC 7616 3.9.1, and of RFC 2069 as corrected.
  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('%s', (algorithm, expected) => {
    const ha1 = digestHash(algorithm, 'Mufasa:http-auth@example.org:Circle of Life')
    const qop = {
      name: 'auth',
      nc: '00000001',
      cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    } as const
    const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'
    expect(digestResponse({ algorithm, ha1, method: 'GET', uri: '/dir/index.html', nonce, qop })).toBe(
      expected,
    )
  })
})

describe('as a client', () => {
  const sign = createSign({ user: 'bob', password: 'x"y' })!
  const header = (signed: RequestDraft | undefined, name = 'Authorization'): string =>
    String(signed?.headers[name])

  test('the first challenge that is understood is answered', () => {
    const signed = sign(
      challenged(
        401,
        'Bearer realm="r"',
        'Digest realm="r", nonce="1", algorithm=SHA-512',
        'Digest realm="r, s", nonce="2", algorithm=SHA-256, qop="auth-int,auth", opaque="o"',
        'Digest realm="r", nonce="3"',
      ),
      draft,
    )
    expect(signed!.cseq).toBe(2)
    expect(header(signed)).toMatch(
      /^Digest username="bob", realm="r, s", nonce="2", uri="sip:example.com", response="[0-9a-f]{64}", algorithm=SHA-256, opaque="o", qop=auth, nc=00000001, cnonce="[0-9a-f]{16}"$/,
    )
  })

  test('the count grows with each use of one nonce', () => {
    const again = createSign({ user: 'bob', password: 'x' })!
    const challenge = challenged(401, 'Digest realm="r", nonce="1", qop="auth"')
    again(challenge, draft)
    expect(header(again(challenge, draft))).toContain('nc=00000002')
  })

  test('a password that was refused is not tried again, but for a stale nonce it is', () => {
    const signed = sign(challenged(401, 'Digest realm="r", nonce="1"'), draft)!
    expect(sign(challenged(401, 'Digest realm="r", nonce="2"'), signed)).toBeUndefined()
    const fresh = sign(challenged(401, 'Digest realm="r", nonce="2", stale=TRUE'), signed)
    expect(header(fresh)).toContain('nonce="2"')
    expect(sign(challenged(401, 'Digest realm="r", nonce="2", stale=true'), fresh!)).toBeUndefined()
  })

  test('a proxy and the server behind it both get their own', () => {
    const once = sign(challenged(407, 'Digest realm="proxy", nonce="1"'), draft)!
    const twice = sign(challenged(401, 'Digest realm="server", nonce="2"'), once)!
    expect(header(twice, 'Proxy-Authorization')).toContain('realm="proxy"')
    expect(header(twice)).toContain('realm="server"')
    expect(twice.cseq).toBe(3)
  })

  test('nothing is said without credentials, or to a scheme that is not known', () => {
    expect(createSign(undefined)).toBeUndefined()
    expect(sign(challenged(401, 'Negotiate abc'), draft)).toBeUndefined()
    expect(sign(challenged(401), draft)).toBeUndefined()
  })
})

describe('as a server', () => {
  let clock: ManualClock
  let server: DigestServer
  let sign: Sign
  const secrets: Record<string, DigestSecret> = {
    bob: { password: 'pw' },
    eve: { ha1: { md5: digestHash('MD5', 'eve:lab:pw') } },
  }
  const verify = (request: SipRequest, offered: ('MD5' | 'SHA-256')[] = ['MD5', 'SHA-256']) =>
    server.verify(request, 'lab', user => secrets[user], offered)
  const challenge = (algorithms: ('MD5' | 'SHA-256')[] = ['MD5', 'SHA-256']) =>
    challenged(401, ...server.challenge('lab', algorithms, false))

  beforeEach(() => {
    clock = new ManualClock()
    server = new DigestServer(clock)
    sign = createSign({ user: 'bob', password: 'pw' })!
  })

  test.each([[['MD5', 'SHA-256']], [['SHA-256']]] as ('MD5' | 'SHA-256')[][][])(
    '%j: a right signature',
    algorithms => {
      const signed = sign(challenge(algorithms), draft)!
      expect(String(signed.headers.Authorization)).toContain(`algorithm=${algorithms[0]}`)
      expect(verify(asRequest(signed))).toEqual({ result: 'signed', user: 'bob' })
    },
  )

  test('an algorithm that was not offered is no way in, not even with the right password', () => {
    const weak = asRequest(sign(challenge(['MD5']), draft)!)
    expect(verify(weak, ['SHA-256'])).toEqual({ result: 'unsigned' })
    expect(verify(weak, ['SHA-256', 'MD5'])).toEqual({ result: 'signed', user: 'bob' })
  })

  test('a stored hash is as good as a password, for its algorithm', () => {
    const eve = createSign({ user: 'eve', password: 'pw' })!
    expect(verify(asRequest(eve(challenge(['MD5']), draft)!)).result).toBe('signed')
    expect(verify(asRequest(eve(challenge(['SHA-256']), draft)!)).result).toBe('wrong')
  })

  test('a signature is good for one request: the same count again is stale', () => {
    const asked = challenge()
    const signed = asRequest(sign(asked, draft)!)
    expect(verify(signed).result).toBe('signed')
    expect(verify(signed).result).toBe('stale')
    expect(verify(asRequest(sign(asked, draft)!)).result).toBe('signed')
    expect(verify(signed).result).toBe('stale')
  })

  test('a nonce lives for five minutes, and only where it was made', () => {
    const asked = challenge()
    clock.advance(299e6)
    expect(verify(asRequest(sign(asked, draft)!)).result).toBe('signed')
    clock.advance(2e6)
    expect(verify(asRequest(sign(asked, draft)!)).result).toBe('stale')
    const foreign = challenged(401, ...new DigestServer(clock).challenge('lab', ['MD5'], false))
    expect(verify(asRequest(sign(foreign, draft)!)).result).toBe('stale')
  })

  test.each([
    ['another password', { user: 'bob', password: 'guess' }],
    ['another user', { user: 'mallory', password: 'pw' }],
  ])('%s is wrong', (_name, credentials) => {
    expect(verify(asRequest(createSign(credentials)!(challenge(), draft)!)).result).toBe('wrong')
  })

  test('a signature for another number is wrong, for another host on the way it is right', () => {
    const signed = sign(challenge(), { ...draft, uri: 'sip:100@a' })!
    expect(verify(asRequest({ ...signed, uri: 'sip:900@a' })).result).toBe('wrong')
    expect(verify(asRequest({ ...signed, uri: 'sip:100@b' })).result).toBe('signed')
  })

  test('a request without a signature, or for another realm, is asked for one', () => {
    expect(verify(asRequest(draft)).result).toBe('unsigned')
    const elsewhere = sign(challenged(401, 'Digest realm="elsewhere", nonce="1"'), draft)!
    expect(verify(asRequest(elsewhere)).result).toBe('unsigned')
  })
})

test('of many signatures in one request only the first few are looked at', () => {
  const server = new DigestServer(new ManualClock())
  const [challenge] = server.challenge('lab', ['MD5'], false, '10.0.0.1')
  const nonce = /nonce="([^"]+)"/.exec(challenge!)![1]
  const after = (others: number) => {
    const headers = new HeaderList()
    for (let i = 0; i < others; i++) headers.add('Authorization', 'Digest realm="other", nonce="a.b.c.d"')
    headers.add('Authorization', `Digest realm="lab", nonce="${nonce}"`)
    return server.wasGivenTo({ headers } as SipRequest, '10.0.0.1')
  }
  expect([after(0), after(3), after(4)]).toEqual([true, true, false])
})
