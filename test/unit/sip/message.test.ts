import { describe, expect, test } from 'vitest'
import { formatRequest, formatResponse } from '../../../src/adapters/sip/message/format-message.ts'
import { formatNameAddr, parseNameAddr } from '../../../src/adapters/sip/message/name-addr.ts'
import { type Malformed, parseMessage } from '../../../src/adapters/sip/message/parse-message.ts'
import type { SipRequest } from '../../../src/adapters/sip/message/types.ts'
import { formatUri, parseUri } from '../../../src/adapters/sip/message/uri.ts'
import { parseVia, stampVia } from '../../../src/adapters/sip/message/via.ts'

const lines = (...all: string[]): Buffer => Buffer.from(`${all.join('\r\n')}\r\n\r\n`)
const head = [
  'Via: SIP/2.0/UDP h;branch=z9hG4bK1',
  'From: <sip:a@b>;tag=1',
  'To: <sip:c@d>',
  'Call-ID: 1',
  'CSeq: 1 OPTIONS',
]
const options = (...more: string[]) => parseMessage(lines('OPTIONS sip:c@d SIP/2.0', ...head, ...more))

describe('URIs', () => {
  test.each([
    ['sip:alice@Example.COM', { user: 'alice', host: 'example.com' }],
    ['sips:h:5061;transport=tcp;lr', { scheme: 'sips', host: 'h', port: 5061, user: '' }],
    ['SIP:[2001:db8::1]:5070', { scheme: 'sip', host: '[2001:db8::1]', port: 5070 }],
    ['sip:a%20b;x=1@h', { user: 'a b;x=1', host: 'h' }],
    ['sip:+1-212@h?Subject=x&y=z', { user: '+1-212', headers: 'Subject=x&y=z' }],
    ['sip:a:secret@h', { user: 'a' }],
    ['tel:+1-(201)-555.0123;ext=7', { scheme: 'tel', user: '+12015550123', host: '' }],
    ['sip:null-%00-null@h', { user: 'null-\0-null' }],
    ['sip:%zz@h', { user: '%zz' }],
  ])('%s', (text, parts) => {
    const uri = parseUri(text)!
    expect(uri).toMatchObject(parts)
    expect(formatUri(uri)).toBe(text)
  })

  test.each([
    '',
    'alice',
    'http://h',
    'sip:',
    'sip:a@',
    'sip:@h',
    'sip:a@h:99999',
    'sip:a@h:0',
    'sip:a@h:x',
    'sip:a b@h',
    'sip:a@[::1',
    'tel:x',
    'sip:a@h@i',
    'sip:<a@h>',
  ])('%j is none', text => expect(parseUri(text)).toBeUndefined())

  test('one that was changed is written anew, and what must be escaped is', () => {
    const uri = parseUri('sip:alice@h;lr')!
    expect(formatUri({ ...uri, user: 'a b@c', port: 5070 })).toBe('sip:a%20b%40c@h:5070;lr')
  })
})

describe('addresses', () => {
  test.each([
    [
      '"Doe, \\"J\\"" <sip:j@h;x=1>;tag=2;q=0.5',
      {
        display: 'Doe, "J"',
        params: [
          ['tag', '2'],
          ['q', '0.5'],
        ],
        uriParams: 1,
      },
    ],
    ['sip:j@h;tag=2', { display: '', params: [['tag', '2']], uriParams: 0 }],
    ['Plain Name <sip:j@h>', { display: 'Plain Name', params: [], uriParams: 0 }],
    ['<sip:j@h> ; expires=60', { display: '', params: [['expires', '60']], uriParams: 0 }],
  ])('%s', (text, { display, params, uriParams }) => {
    const address = parseNameAddr(text)!
    expect(address.display).toBe(display)
    expect([...address.params]).toEqual(params)
    expect(address.uri.params.size).toBe(uriParams)
    expect(parseNameAddr(formatNameAddr(address))!.display).toBe(display)
  })

  test.each(['', '"open <sip:a@b>', '<sip:a@b', 'x <nonsense>', '<sip:a@b> junk', 'sip:a@b?h=1'])(
    '%j is none',
    text => expect(parseNameAddr(text)).toBeUndefined(),
  )
})

describe('Via', () => {
  test.each([
    ['SIP / 2.0 / UDP  h:5060 ;branch=z9hG4bK1', { transport: 'UDP', host: 'h', port: 5060 }],
    ['SIP/2.0/tcp [::1]:5061;rport', { transport: 'TCP', host: '[::1]', port: 5061 }],
  ])('%s', (text, parts) => expect(parseVia(text)).toMatchObject(parts))

  test.each([
    ['SIP/2.0/UDP 10.0.0.1;branch=b', 'SIP/2.0/UDP 10.0.0.1;branch=b;received=9.9.9.9'],
    ['SIP/2.0/UDP 9.9.9.9;branch=b', 'SIP/2.0/UDP 9.9.9.9;branch=b'],
    ['SIP/2.0/UDP 9.9.9.9;rport;branch=b', 'SIP/2.0/UDP 9.9.9.9;branch=b;received=9.9.9.9;rport=7'],
    [
      'SIP/2.0/UDP h;received=1.1.1.1;rport=1, SIP/2.0/UDP i',
      'SIP/2.0/UDP h;received=9.9.9.9;rport=7, SIP/2.0/UDP i',
    ],
  ])('%s is stamped', (line, stamped) => {
    expect(stampVia(line, parseVia(line.split(', ')[0]!)!, '9.9.9.9', 7)).toBe(stamped)
  })
})

describe('messages', () => {
  test('folded lines, compact forms, odd spaces and empty lines before', () => {
    const bytes = Buffer.from(
      '\r\n\r\nINVITE sip:c@d SIP/2.0\r\nv:SIP/2.0/UDP h\r\n ;branch=z9hG4bK1\r\nf :  <sip:a@b>;tag=1\r\nt\t: <sip:c@d>\r\ni: 1\r\ncseq: 0009  INVITE\r\nSubject: a\r\n\tb\r\nl: 4\r\n\r\nbodymore',
    )
    const message = parseMessage(bytes) as SipRequest
    expect(message).toMatchObject({ method: 'INVITE', callId: '1', cseq: 9, body: { content: 'body' } })
    expect(message.via.params.get('branch')).toBe('z9hG4bK1')
    expect(message.headers.get('subject')).toBe('a b')
  })

  test.each([
    ['two From headers', options('From: <sip:x@y>;tag=3'), 400],
    ['two lengths', options('Content-Length: 1', 'Content-Length: 2'), 400],
    ['a negative length', options('Content-Length: -1'), 400],
    ['more length than bytes', options('Content-Length: 10'), 400],
    ['hops that are no number', options('Max-Forwards: many'), 400],
    ['a line without a name', options(': x'), 400],
    ['another version', parseMessage(lines('OPTIONS sip:c@d SIP/7.0', ...head)), 505],
    ['another scheme', parseMessage(lines('OPTIONS mailto:c@d SIP/2.0', ...head)), 416],
    ['another method in CSeq', parseMessage(lines('INVITE sip:c@d SIP/2.0', ...head)), 400],
    ['spaces in the request line', parseMessage(lines('OPTIONS  sip:c@d SIP/2.0', ...head)), 400],
  ])('%s: malformed, and answered', (_name, message, code) => {
    expect(message).toMatchObject({ malformed: expect.any(String), code })
    expect((message as Malformed).headers).toBeDefined()
  })

  test.each([
    ['no headers', lines('OPTIONS sip:c@d SIP/2.0')],
    ['an ACK', lines('ACK sip:c@d SIP/9.0', ...head)],
    ['a response', lines('SIP/2.0 999 What', ...head)],
    ['no end', Buffer.from('OPTIONS sip:c@d SIP/2.0\r\n')],
    ['nothing', Buffer.alloc(0)],
    ['300 headers', lines('OPTIONS sip:c@d SIP/2.0', ...head.slice(1), ...Array(300).fill('X: y'))],
  ])('%s: malformed, and not answered', (_name, bytes) => {
    const message = parseMessage(bytes)
    expect(message).toHaveProperty('malformed')
    expect(message).not.toHaveProperty('headers.get')
  })

  test('of a body with several parts the session description counts', () => {
    const multipart = (type: string): SipRequest => {
      const body = [
        'preamble',
        '--Bound-1',
        'Content-Type: application/isup;version=itu-t92+',
        '',
        'binary',
        '--Bound-1',
        `content-type: ${type}`,
        'Content-Disposition: session',
        '',
        'v=0',
        's=-',
        '--Bound-1--',
        '',
      ].join('\r\n')
      const type1 = 'Content-Type: multipart/mixed; boundary="Bound-1"'
      return parseMessage(
        Buffer.from([`OPTIONS sip:c@d SIP/2.0`, ...head, type1, '', body].join('\r\n')),
      ) as SipRequest
    }
    expect(multipart('application/SDP').body).toEqual({ type: 'application/sdp', content: 'v=0\r\ns=-\r\n' })
    expect(multipart('text/plain').body!.type).toContain('multipart/mixed')
  })

  test('a response echoes what it must and adds one tag; no value begins a line of its own', () => {
    const request = options('Via: SIP/2.0/UDP second') as SipRequest
    const draft = { code: 200, toTag: 't', headers: { 'X-A': 'a\r\nX-Evil: 1', Allow: ['A', 'B'] } }
    expect(formatResponse(request.headers, draft, 'us').toString().split('\r\n')).toEqual([
      'SIP/2.0 200 OK',
      'Via: SIP/2.0/UDP h;branch=z9hG4bK1',
      'Via: SIP/2.0/UDP second',
      'From: <sip:a@b>;tag=1',
      'To: <sip:c@d>;tag=t',
      'Call-ID: 1',
      'CSeq: 1 OPTIONS',
      'X-A: a X-Evil: 1',
      'Allow: A',
      'Allow: B',
      'Server: us',
      'Content-Length: 0',
      '',
      '',
    ])
  })

  test('lengths are in bytes, and what is written can be read', () => {
    const body = { type: 'text/plain', content: 'grüße' }
    const draft = {
      method: 'MESSAGE',
      uri: 'sip:c@d',
      route: ['<sip:p;lr>'],
      from: '"ü" <sip:a@b>;tag=1',
      to: '<sip:c@d>',
      callId: '1',
      cseq: 1,
      headers: {},
      body,
    }
    const message = parseMessage(formatRequest(draft, 'SIP/2.0/UDP h;branch=z9hG4bK1', 'us')) as SipRequest
    expect(message).toMatchObject({ body, from: { display: 'ü' } })
    expect(message.headers.get('content-length')).toBe('7')
  })
})
