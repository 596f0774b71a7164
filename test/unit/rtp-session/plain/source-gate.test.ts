import { describe, expect, test } from 'vitest'
import { type GateRules, isUnusable, SourceGate } from '../../../../src/rtp-session/plain/source-gate.ts'
import type { LatchMode, RtpRemote } from '../../../../src/rtp-session/plain/types.ts'

const S = 1_000_000
const gateOf = (remote: Partial<RtpRemote>, latch: LatchMode = 'auto', more: Partial<GateRules> = {}) =>
  new SourceGate(
    { remote: { address: undefined, port: 0, ...remote }, latch, windowUs: 10 * S, trusted: false, ...more },
    0,
  )
const flow = (ip: string, port = 4000, ssrc = 1) => ({ ip, port, ssrc })

const PHONE = '203.0.114.7'
const HIDDEN = '192.168.1.5'
const STRANGER = '198.51.101.66'
const behindNat = { address: HIDDEN, port: 4000, signalling: PHONE }

describe('which descriptions cannot be true', () => {
  test.each([
    [{ address: PHONE, port: 1, signalling: PHONE }, false],
    [{ address: PHONE, port: 1, signalling: undefined }, false],
    [{ address: HIDDEN, port: 1, signalling: HIDDEN }, false],
    [{ address: HIDDEN, port: 1, signalling: undefined }, false],
    [{ address: '0.0.0.0', port: 1, signalling: PHONE }, true],
    [{ address: undefined, port: 0, signalling: PHONE }, true],
    [{ address: HIDDEN, port: 1, signalling: PHONE }, true],
    [{ address: STRANGER, port: 1, signalling: PHONE }, true],
    [{ address: '169.254.1.1', port: 1, signalling: '10.0.0.1' }, true],
  ])('%o: %s', (remote, unusable) => expect(isUnusable(remote)).toBe(unusable))
})

describe('a description that can be true', () => {
  test.each(['off', 'auto'] as const)('is the only source with latch=%s, from whatever port', latch => {
    const gate = gateOf({ address: PHONE, port: 4000, signalling: PHONE }, latch)
    expect(gate.admits(flow(STRANGER), 0, 1)).toBe(false)
    expect(gate.admits(flow(PHONE, 9999), 0, 2)).toBe(true)
    expect(gate.isLatched).toBe(false)
    expect(gate.why).toBe('the described address')
  })

  test('of its ports the described one goes before any other, which is a stranger while it lives', () => {
    const gate = gateOf({ address: PHONE, port: 4000, signalling: PHONE })
    expect(gate.admits(flow(PHONE, 9999, 5), 0, 1)).toBe(true)
    expect(gate.admits(flow(PHONE, 4000, 6), 1, 2)).toBe(true)
    expect(gate.admits(flow(PHONE, 9999, 5), 2, 3)).toBe(false)
  })

  test('is asked for even when it is another than that of the signalling, with latch=off', () => {
    const gate = gateOf(behindNat, 'off')
    expect(gate.admits(flow(PHONE), 0, 1)).toBe(false)
    expect(gate.described).toEqual({ ip: HIDDEN, port: 4000 })
  })
})

describe('a description that cannot be true', () => {
  test('auto: media comes from where the signalling came, and goes back there', () => {
    const gate = gateOf(behindNat)
    expect(gate.described).toEqual({ ip: PHONE, port: 4000 })
    expect(gate.admits(flow(STRANGER), 0, 1)).toBe(false)
    expect(gate.admits(flow(PHONE, 31_000), 0, 2)).toBe(true)
    expect(gate.isLatched).toBe(true)
    expect(gate.why).toBe('latched: the address of the signalling')
  })

  test('auto: only within the window', () => {
    const gate = gateOf(behindNat)
    expect(gate.admits(flow(PHONE), 0, 10 * S + 1)).toBe(false)
    expect(gate.admits(flow(HIDDEN), 0, 10 * S + 2)).toBe(true)
  })

  test('auto: nobody else, however long he tries', () => {
    const gate = gateOf(behindNat)
    for (let at = 0; at < 60 * S; at += S / 50) expect(gate.admits(flow(STRANGER), 0, at)).toBe(false)
  })

  test('on: a stranger must go on alone for a second; who is known wins at once, and later too', () => {
    const gate = gateOf(behindNat, 'on')
    expect(gate.admits(flow(STRANGER), 0, 0)).toBe(false)
    expect(gate.admits(flow(STRANGER), 0, S - 1)).toBe(false)
    expect(gate.admits(flow('198.51.101.67'), 0, S + 1)).toBe(false)
    expect(gate.admits(flow(STRANGER), 0, S + 2)).toBe(true)
    expect(gate.why).toBe('latched: nobody else sent')
    expect(gate.admits(flow(PHONE), S + 3, S + 3)).toBe(true)
    expect(gate.admits(flow(STRANGER), S + 4, S + 4)).toBe(false)
  })
})

describe('once there is a source', () => {
  const latched = (latch: LatchMode = 'auto') => {
    const gate = gateOf(behindNat, latch)
    gate.admits(flow(PHONE, 31_000, 77), 0, 0)
    return gate
  }

  test('it is locked: another port of its host counts only when it is silent', () => {
    const gate = latched()
    expect(gate.admits(flow(PHONE, 31_002, 77), 5 * S, 5 * S + 1)).toBe(false)
    expect(gate.admits(flow(PHONE, 31_002, 77), 5 * S, 6 * S)).toBe(true)
  })

  test('another host takes over only with its SSRC, when it is silent, and if it might have been the source', () => {
    const open = latched('on')
    expect(open.admits(flow(STRANGER, 1, 77), 5 * S, 5 * S + 1)).toBe(false)
    expect(open.admits(flow(STRANGER, 1, 78), 5 * S, 7 * S)).toBe(false)
    expect(open.admits(flow(STRANGER, 1, 77), 5 * S, 7 * S)).toBe(true)
    expect(latched('auto').admits(flow(STRANGER, 1, 77), 5 * S, 7 * S)).toBe(false)
  })

  test('only its host is believed in RTCP', () => {
    const gate = latched()
    expect([gate.admitsRtcp(PHONE), gate.admitsRtcp(HIDDEN), gate.admitsRtcp(STRANGER)]).toEqual([
      true,
      false,
      false,
    ])
    expect(gateOf(behindNat).admitsRtcp(PHONE)).toBe(false)
    expect(gateOf(behindNat).admitsRtcp(HIDDEN)).toBe(true)
  })
})

describe('without any description', () => {
  test('the first that sends is the source, and is answered unless latch=off', () => {
    const gate = gateOf({})
    expect(gate.admits(flow(STRANGER), 0, 1)).toBe(true)
    expect([gate.isLatched, gate.why]).toEqual([true, 'the first that sent'])
    expect(gate.admits(flow(PHONE), 2, 3)).toBe(false)
    const mute = gateOf({}, 'off')
    expect(mute.admits(flow(STRANGER), 0, 1)).toBe(true)
    expect(mute.isLatched).toBe(false)
  })

  test('it may begin anew on another port, also with another SSRC; another host must be on an allow-list', () => {
    const gate = gateOf({})
    gate.admits(flow(PHONE, 1000, 1), 0, 0)
    expect(gate.admits(flow(PHONE, 1002, 2), 0, 2 * S)).toBe(true)
    expect(gate.admits(flow(STRANGER, 1, 3), 2 * S, 9 * S)).toBe(false)
    const trusting = gateOf({}, 'auto', { trusted: true })
    trusting.admits(flow(PHONE), 0, 0)
    expect(trusting.admits(flow(STRANGER), 0, S / 2)).toBe(false)
    expect(trusting.admits(flow(STRANGER, 4000, 9), 0, 2 * S)).toBe(true)
  })
})
