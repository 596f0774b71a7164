/** Our STUN against the independent one of werift. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classes, Message, methods, parseMessage } from 'werift'
import { isStunIntegrityRight, readStun } from '../../../src/media/stun/read.ts'
import { STUN_TYPE } from '../../../src/media/stun/tables.ts'
import { writeBindingSuccess, writeUnknownAttributes } from '../../../src/media/stun/write.ts'

const password = 'a-password-of-24-letters'
const request = (key = password): Buffer =>
  new Message(methods.BINDING, classes.REQUEST)
    .setAttribute('USERNAME', 'local:remote')
    .setAttribute('PRIORITY', 12345)
    .setAttribute('ICE-CONTROLLING', 1n)
    .setAttribute('USE-CANDIDATE', null)
    .addMessageIntegrity(Buffer.from(key))
    .addFingerprint().bytes

describe('reading', () => {
  test('a binding request of another implementation', () => {
    const bytes = request()
    const message = readStun(bytes)!
    expect(message).toMatchObject({
      type: STUN_TYPE.bindingRequest,
      username: 'local:remote',
      priority: 12345,
      useCandidate: true,
      unknownRequired: [],
    })
    expect(isStunIntegrityRight(bytes, message, password)).toBe(true)
    expect(isStunIntegrityRight(bytes, message, 'another-password-of-24-l')).toBe(false)
  })

  test('no integrity is wrong integrity', () => {
    const bytes = new Message(methods.BINDING, classes.REQUEST).setAttribute('USERNAME', 'a:b').bytes
    expect(isStunIntegrityRight(bytes, readStun(bytes)!, password)).toBe(false)
  })

  test('what follows MESSAGE-INTEGRITY is ignored', () => {
    const honest = new Message(methods.BINDING, classes.REQUEST)
      .setAttribute('USERNAME', 'local:remote')
      .addMessageIntegrity(Buffer.from(password)).bytes
    const bytes = Buffer.concat([honest, Buffer.from([0, 0x25, 0, 0])])
    bytes.writeUInt16BE(bytes.length - 20, 2)
    const message = readStun(bytes)!
    expect(message.useCandidate).toBe(false)
    expect(isStunIntegrityRight(bytes, message, password)).toBe(true)
  })

  test('each flipped bit before the fingerprint is noticed', () => {
    const bytes = request()
    for (let bit = 0; bit < (bytes.length - 8) * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const message = readStun(flipped)
      expect(message !== undefined && isStunIntegrityRight(flipped, message, password)).toBe(false)
    }
  })

  test('unknown attributes that must be understood are listed', () => {
    const bytes = Buffer.alloc(28)
    bytes.writeUInt16BE(1, 0)
    bytes.writeUInt16BE(8, 2)
    bytes.writeUInt32BE(0x2112a442, 4)
    bytes.writeUInt16BE(0x7fff, 20)
    bytes.writeUInt16BE(4, 22)
    expect(readStun(bytes)!.unknownRequired).toEqual([0x7fff])
  })

  test('any bytes are either read or left', () => {
    const header = fc.constant(Buffer.from('0001000000002112a442', 'hex'))
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.tuple(header, fc.uint8Array({ maxLength: 100 }))),
        input => {
          const bytes = Array.isArray(input)
            ? Buffer.concat([input[0] as Buffer, input[1] as Uint8Array])
            : input
          readStun(bytes as Uint8Array)
        },
      ),
      { numRuns: 3000 },
    )
    const bytes = request()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes)
        changed[at] = value
        readStun(changed.subarray(0, at))
        readStun(changed)
      }),
    )
  })
})

describe('writing', () => {
  test.each([
    ['203.0.113.7', 50000],
    ['2001:db8::5', 443],
    ['::1', 1],
    ['fe80::1:2:3:4', 65535],
  ])('a success response tells %s:%i to another implementation', (ip, port) => {
    const id = Buffer.from('0102030405060708090a0b0c', 'hex')
    const message = parseMessage(writeBindingSuccess(id, ip, port, password), Buffer.from(password))!
    expect(message.messageClass).toBe(classes.RESPONSE)
    expect(message.transactionId.equals(id)).toBe(true)
    const [address, mapped] = message.getAttributeValue('XOR-MAPPED-ADDRESS')
    expect(mapped).toBe(port)
    const groups = (text: string): string =>
      new URL(`http://${text.includes(':') ? `[${text}]` : text}/`).hostname
    expect(groups(address)).toBe(groups(ip))
  })

  test('an error response lists what was not understood', () => {
    const bytes = writeUnknownAttributes(Buffer.alloc(12, 7), [0x7ffe, 0x7fff, 0x0003], password)
    const message = parseMessage(bytes, Buffer.from(password))!
    expect(message.messageClass).toBe(classes.ERROR)
    expect(message.getAttributeValue('ERROR-CODE')[0]).toBe(420)
    expect(bytes.toString('hex')).toContain('000a00067ffe7fff0003')
  })
})
