/** Timers of RFC 3261 17 and RFC 6026, at which second what is sent. */
import { describe, expect, test } from 'vitest'
import { parseMessage } from '../../../src/adapters/sip/message/parse-message.ts'
import type { SipResponse } from '../../../src/adapters/sip/message/types.ts'
import { InviteClientTransaction } from '../../../src/adapters/sip/transaction/invite-client.ts'
import { InviteServerTransaction } from '../../../src/adapters/sip/transaction/invite-server.ts'
import { NonInviteClientTransaction } from '../../../src/adapters/sip/transaction/non-invite-client.ts'
import { NonInviteServerTransaction } from '../../../src/adapters/sip/transaction/non-invite-server.ts'
import { defaultTimes } from '../../../src/adapters/sip/transaction/times.ts'
import type { Flow } from '../../../src/adapters/sip/transport/flow.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'

const local = { transport: 'udp', host: '10.0.0.1', port: 5060 } as const

const open = (reliable: boolean) => {
  const clock = new ManualClock(0)
  const log: string[] = []
  const note = (what: string): void => void log.push(`${what} ${clock.now() / 1e6}`)
  const flow: Flow = {
    transport: reliable ? 'tcp' : 'udp',
    reliable,
    ip: '10.0.0.2',
    port: 5060,
    door: 0,
    local,
    open: true,
    send: bytes => note(bytes.toString()),
  }
  const context = { clock, times: defaultTimes, retransmitted: () => undefined }
  const events = {
    response: ({ code }: SipResponse) => note(String(code)),
    timedOut: () => note('timed out'),
    lost: (reason: string) => note(`lost: ${reason}`),
    terminated: () => note('over'),
  }
  const at = (seconds: number): void => clock.advance(seconds * 1e6 - clock.now())
  return { clock, log, flow, context, events, at }
}

const response = (code: number): SipResponse =>
  parseMessage(
    Buffer.from(
      `SIP/2.0 ${code} X\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n`,
    ),
  ) as SipResponse

const bytes = (text: string): Buffer => Buffer.from(text)

describe('INVITE, client', () => {
  const start = (reliable: boolean) => {
    const it = open(reliable)
    const transaction = new InviteClientTransaction(
      it.context,
      it.flow,
      bytes('invite'),
      () => bytes('ack'),
      it.events,
    )
    return { ...it, transaction }
  }

  test('timer A doubles without an end, timer B gives up after 32 s', () => {
    const { log, at } = start(false)
    at(100)
    expect(log).toEqual([
      ...[0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5].map(second => `invite ${second}`),
      'over 32',
      'timed out 32',
    ])
  })

  test('on a reliable transport nothing is sent again', () => {
    const { log, at } = start(true)
    at(100)
    expect(log).toEqual(['invite 0', 'over 32', 'timed out 32'])
  })

  test('a provisional response stops A and B for as long as it rings', () => {
    const { log, at, transaction } = start(false)
    at(1)
    transaction.receive(response(180))
    at(300)
    expect(log).toEqual(['invite 0', 'invite 0.5', '180 1'])
  })

  test('timer D: a refusal that comes again within 32 s is acknowledged again, but told once', () => {
    const { log, at, transaction } = start(false)
    transaction.receive(response(486))
    at(31)
    transaction.receive(response(486))
    at(40)
    transaction.receive(response(486))
    expect(log).toEqual(['invite 0', 'ack 0', '486 0', 'ack 31', 'over 32'])
  })

  test('timer D is zero on a reliable transport', async () => {
    const { log, transaction } = start(true)
    transaction.receive(response(486))
    await settle()
    expect(log).toEqual(['invite 0', 'ack 0', '486 0', 'over 0'])
  })

  test('timer M: each 2xx within 32 s is told, the first of forks and the tenth alike', () => {
    const { log, at, transaction } = start(false)
    transaction.receive(response(200))
    at(31)
    transaction.receive(response(200))
    transaction.receive(response(486))
    at(40)
    transaction.receive(response(200))
    expect(log).toEqual(['invite 0', '200 0', '200 31', 'over 32'])
  })

  test('a connection that breaks is told before a final response, not after', () => {
    const broken = start(true)
    broken.transaction.fail('reset')
    expect(broken.log).toEqual(['invite 0', 'over 0', 'lost: reset 0'])
    const answered = start(true)
    answered.transaction.receive(response(200))
    answered.transaction.fail('reset')
    expect(answered.log).toEqual(['invite 0', '200 0'])
  })
})

describe('other requests, client', () => {
  const start = (reliable: boolean) => {
    const it = open(reliable)
    return {
      ...it,
      transaction: new NonInviteClientTransaction(it.context, it.flow, bytes('bye'), it.events),
    }
  }

  test('timer E doubles up to 4 s, timer F gives up after 32 s', () => {
    const { log, at } = start(false)
    at(100)
    const seconds = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    expect(log).toEqual([...seconds.map(second => `bye ${second}`), 'over 32', 'timed out 32'])
  })

  test('after a provisional response timer E is 4 s, and F still runs', () => {
    const { log, at, transaction } = start(false)
    at(0.6)
    transaction.receive(response(100))
    at(100)
    const seconds = [0, 0.5, 1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
    expect(log.filter(line => line.startsWith('bye'))).toEqual(seconds.map(second => `bye ${second}`))
    expect(log.slice(-2)).toEqual(['over 32', 'timed out 32'])
  })

  test('timer K absorbs repeated answers for 5 s', () => {
    const { log, at, transaction } = start(false)
    transaction.receive(response(200))
    at(4)
    transaction.receive(response(200))
    at(100)
    expect(log).toEqual(['bye 0', '200 0', 'over 5'])
  })

  test('timer K is zero on a reliable transport', async () => {
    const { log, transaction } = start(true)
    transaction.receive(response(200))
    await settle()
    expect(log).toEqual(['bye 0', '200 0', 'over 0'])
  })
})

describe('INVITE, server', () => {
  const start = (reliable: boolean) => {
    const it = open(reliable)
    const events = { cancelled: () => it.log.push('cancelled'), terminated: it.events.terminated }
    return { ...it, transaction: new InviteServerTransaction(it.context, it.flow, events) }
  }

  test('timer G doubles up to 4 s, timer H gives up after 32 s', () => {
    const { log, at, transaction } = start(false)
    transaction.respond(486, bytes('486'))
    at(100)
    const seconds = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    expect(log).toEqual([...seconds.map(second => `486 ${second}`), 'over 32'])
  })

  test('on a reliable transport G does not run, H does', () => {
    const { log, at, transaction } = start(true)
    transaction.respond(486, bytes('486'))
    at(100)
    expect(log).toEqual(['486 0', 'over 32'])
  })

  test('the ACK stops G; timer I absorbs more of them for 5 s', () => {
    const { log, at, transaction } = start(false)
    transaction.respond(486, bytes('486'))
    at(0.7)
    transaction.receiveAck()
    transaction.receiveAck()
    transaction.receiveAgain()
    at(100)
    expect(log).toEqual(['486 0', '486 0.5', 'over 5.7'])
  })

  test('a repeated INVITE gets the last response again, but nothing after a 2xx', () => {
    const { log, at, transaction } = start(false)
    transaction.receiveAgain()
    transaction.respond(180, bytes('180'))
    at(1)
    transaction.receiveAgain()
    transaction.respond(200, bytes('200'))
    transaction.receiveAgain()
    at(100)
    expect(log).toEqual(['180 0', '180 1', '200 1', 'over 33'])
  })

  test('CANCEL counts until there is a final response', () => {
    const { log, transaction } = start(false)
    transaction.cancel(undefined)
    transaction.respond(200, bytes('200'))
    transaction.cancel(undefined)
    expect(log).toEqual(['cancelled', '200 0'])
  })
})

describe('other requests, server', () => {
  test.each([
    [false, 32],
    [true, 0],
  ])('timer J (reliable: %s) lasts %i s and repeats the answer', async (reliable, seconds) => {
    const { log, flow, context, at, events } = open(reliable)
    const transaction = new NonInviteServerTransaction(context, flow, events.terminated)
    transaction.receiveAgain()
    transaction.respond(bytes('200'))
    transaction.respond(bytes('500'))
    await settle()
    if (!reliable) {
      at(10)
      transaction.receiveAgain()
    }
    at(100)
    expect(log).toEqual(reliable ? ['200 0', 'over 0'] : ['200 0', '200 10', `over ${seconds}`])
  })

  test('one that is never answered is forgotten when its client has given up', () => {
    const { log, flow, context, at, events } = open(false)
    new NonInviteServerTransaction(context, flow, events.terminated).receiveAgain()
    at(100)
    expect(log).toEqual(['over 32'])
  })
})
