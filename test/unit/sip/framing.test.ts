import { describe, expect, test } from 'vitest'
import { StreamFramer } from '../../../src/adapters/sip/transport/framing.ts'

const message = (body = '', length: string | undefined = `Content-Length: ${body.length}\r\n`): string =>
  `OPTIONS sip:a SIP/2.0\r\nX: 1\r\n${length}\r\n${body}`

const feed = (...chunks: string[]) => {
  const messages: string[] = []
  let pings = 0
  const framer = new StreamFramer(1000, {
    message: bytes => messages.push(bytes.toString()),
    ping: () => pings++,
  })
  const problems = chunks
    .map(chunk => framer.push(Buffer.from(chunk)))
    .filter(problem => problem !== undefined)
  return { messages, pings, problems }
}

describe('messages in a stream', () => {
  test('byte by byte, and several at once', () => {
    const two = message('abc') + message()
    const expected = { messages: [message('abc'), message()], pings: 0, problems: [] }
    expect(feed(two)).toEqual(expected)
    expect(feed(...two)).toEqual(expected)
    for (let at = 1; at < two.length; at++) expect(feed(two.slice(0, at), two.slice(at))).toEqual(expected)
  })

  test('two empty lines are a ping, one is none', () => {
    expect(feed('\r\n\r\n', message(), '\r\n', message())).toEqual({
      messages: [message(), message()],
      pings: 1,
      problems: [],
    })
  })

  test('the compact form', () => expect(feed(message('ab', 'l : 2\r\n')).messages).toHaveLength(1))

  test.each([
    ['no length', message('', ''), "content-length is ''"],
    ['two lengths', message('', 'l: 0\r\nContent-Length: 0\r\n'), "content-length is '0, 0'"],
    ['a negative length', message('', 'l: -1\r\n'), "content-length is '-1'"],
    ['a length of ten digits', message('', 'l: 1234567890\r\n'), "content-length is '1234567890'"],
    ['a length over the limit', message('', 'l: 999999999\r\n'), 'a message of 1000000044 bytes'],
    ['headers without an end', 'x'.repeat(1001), 'more than 1000 bytes without an end of headers'],
  ])('%s ends the stream before anything grows', (_name, text, problem) => {
    expect(feed(text)).toMatchObject({ messages: [], problems: [problem] })
  })
})
