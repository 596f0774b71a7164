import { describe, expect, test } from 'vitest'
import { formatCrypto, parseCrypto } from '../../../src/media/sdp/crypto.ts'
import { parseSdp } from '../../../src/media/sdp/parse.ts'
import { writeSdp } from '../../../src/media/sdp/write.ts'

// RFC 4568 9.1
const key = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj'

describe('keys in the session description', () => {
  test('a line is read and written', () => {
    const crypto = parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 inline:${key}`)
    expect(crypto).toMatchObject({ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80' })
    expect(crypto?.keySalt.length).toBe(30)
    expect(formatCrypto(crypto!)).toBe(`1 AES_CM_128_HMAC_SHA1_80 inline:${key}`)
  })

  test.each([
    ['a lifetime as a power', `7 AES_CM_128_HMAC_SHA1_32 inline:${key}|2^20`],
    ['a lifetime in digits', `7 AES_CM_128_HMAC_SHA1_32 inline:${key}|1048576`],
    ['advice on the window', `7 AES_CM_128_HMAC_SHA1_32 inline:${key}|2^31 WSH=60`],
    ['what may be ignored', `7 AES_CM_128_HMAC_SHA1_32 inline:${key} -EXTRA=1 KDR=0`],
    ['lower case', `7 aes_cm_128_hmac_sha1_32 INLINE:${key}`],
  ])('%s changes nothing', (_, value) => {
    expect(parseCrypto(value)).toMatchObject({ tag: 7, suite: 'AES_CM_128_HMAC_SHA1_32' })
  })

  test.each([
    ['a key index in each packet', `1 AES_CM_128_HMAC_SHA1_80 inline:${key}|2^20|1:4`],
    ['several keys', `1 AES_CM_128_HMAC_SHA1_80 inline:${key}|2^20|1:4;inline:${key}|2^20|2:4`],
    ['no encryption after all', `1 AES_CM_128_HMAC_SHA1_80 inline:${key} UNENCRYPTED_SRTP`],
    ['no authentication', `1 AES_CM_128_HMAC_SHA1_80 inline:${key} UNAUTHENTICATED_SRTP`],
    ['clear RTCP', `1 AES_CM_128_HMAC_SHA1_80 inline:${key} UNENCRYPTED_SRTCP`],
    ['keys derived anew', `1 AES_CM_128_HMAC_SHA1_80 inline:${key} KDR=10`],
    ['another suite', `1 AES_256_CM_HMAC_SHA1_80 inline:${key}`],
    ['a short key', '1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpV'],
    ['no tag', `AES_CM_128_HMAC_SHA1_80 inline:${key}`],
    ['another method', `1 AES_CM_128_HMAC_SHA1_80 prefix:${key}`],
    ['nothing', ''],
  ])('%s is not taken', (_, value) => {
    expect(parseCrypto(value)).toBeUndefined()
  })
})

test('bandwidth stays with its media line', () => {
  const sdp = parseSdp(
    'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nb=CT:99\r\nm=video 9 RTP/AVP 96\r\nb=AS:512\r\nb=TIAS:480000\r\na=inactive\r\n',
  )
  expect(sdp.media[0]!.bandwidth).toEqual(['AS:512', 'TIAS:480000'])
  expect(writeSdp(sdp)).toContain('m=video 9 RTP/AVP 96\r\nb=AS:512\r\nb=TIAS:480000\r\na=inactive\r\n')
})
