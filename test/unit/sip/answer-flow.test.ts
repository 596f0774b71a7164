/** Where answers go when the way that the request came by is no way back (RFC 3261 18.2.2). */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { IncomingInvite } from '../../../src/adapters/sip/incoming-invite.ts'
import type { Signalling, SignallingOptions } from '../../../src/adapters/sip/signalling.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { until } from '../../helpers/program.ts'
import { SipNetwork } from '../../helpers/sip-network.ts'
import { openPeer, pass, quietLog } from '../../helpers/sip-peer.ts'
import { audio, openUserAgent } from '../../helpers/sip-user-agent.ts'

const inviteText = (via: string, contact: string, method = 'INVITE'): string => {
  const body = audio().content
  const lines = [
    `${method} sip:1000@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/${via}`,
    'From: <sip:bob@127.0.0.1>;tag=1',
    'To: <sip:1000@127.0.0.1>',
    'Call-ID: lost-way',
    `CSeq: 1 ${method}`,
    `Contact: <${contact}>`,
    'Max-Forwards: 70',
    'Content-Type: application/sdp',
    `Content-Length: ${body.length}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

const codesOf = (text: string): string[] => [...text.matchAll(/^SIP\/2\.0 (\d+)/gm)].map(([, code]) => code!)

let phone: Signalling
afterEach(() => phone.close(0))

/** Called by TCP from a port that hears of nothing later: the connection is gone before it is answered. */
const calledAndLeft = async (viaPort: number, options: Partial<SignallingOptions> = {}) => {
  const invites: IncomingInvite[] = []
  phone = await openUserAgent({
    addresses: [{ transport: 'tcp', host: '127.0.0.1', port: 0 }],
    onInvite: invite => invites.push(invite),
    ...options,
  })
  const socket = connect(phone.addresses[0]!.port, '127.0.0.1')
  const via = `TCP 127.0.0.1:${viaPort};branch=z9hG4bKlost`
  socket.write(inviteText(via, `sip:bob@127.0.0.1:${viaPort};transport=tcp`))
  await until('the call came', () => invites.length === 1)
  socket.destroy()
  await until('the connection is gone', () => phone.stats().gauges.connections === 0)
  return invites[0]!
}

test('a connection that died: the answers go by one new one to the port of the Via', async () => {
  const server = createServer()
  let connections = 0
  let heard = ''
  server.on('connection', peer => {
    connections++
    peer.on('data', bytes => {
      heard += bytes
    })
    peer.on('error', () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const invite = await calledAndLeft((server.address() as AddressInfo).port)
  invite.progress(180)
  invite.accept(audio(invite.offer))
  await until('it was answered', () => codesOf(heard).includes('200'))
  expect(codesOf(heard).slice(0, 2)).toEqual(['180', '200'])
  expect(connections).toBe(1)
  await phone.close(0)
  server.close()
})

test('nobody listens there: it is said once, with the address', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const said: string[] = []
  const log = { ...quietLog, info: (_fields: object, text: string) => void said.push(text) }
  const invite = await calledAndLeft(port, { log })
  invite.progress(180)
  invite.progress(180)
  invite.reject(486)
  await until('it is said', () => said.length > 0)
  expect(said).toHaveLength(1)
  expect(said[0]).toContain(`does not get to tcp 127.0.0.1:${port}`)
})

test('without rport: answers to the port of the Via, and the source is what it was', async () => {
  const clock = new ManualClock()
  const network = new SipNetwork(clock)
  const [screened, invites]: [number[], IncomingInvite[]] = [[], []]
  phone = await openPeer(clock, network, '10.0.0.1', {
    screen: (_request, { port }) => {
      screened.push(port)
      return { action: 'admit' }
    },
    onInvite: invite => invites.push(invite),
  })
  const send = (via: string, method?: string): void =>
    network.send(
      Buffer.from(inviteText(via, 'sip:bob@10.0.0.9:5062', method)),
      '10.0.0.9',
      7777,
      '10.0.0.1:5060',
    )
  const answers = (): string[] =>
    network.sent
      .filter(({ text }) => text.startsWith('SIP/2.0'))
      .map(({ text, to }) => `${codesOf(text)} ${to}`)
  send('UDP 10.0.0.9:5062;branch=z9hG4bKa')
  await pass(clock, 20)
  invites[0]!.progress(180)
  expect(answers()).toEqual(['100 10.0.0.9:5062', '180 10.0.0.9:5062'])
  expect(screened).toEqual([7777])
  expect(invites[0]!.source).toMatchObject({ ip: '10.0.0.9', port: 7777 })
  send('UDP 10.0.0.9:5062;branch=z9hG4bKa', 'CANCEL')
  await pass(clock, 20)
  expect(answers().slice(2).toSorted()).toEqual(['200 10.0.0.9:5062', '487 10.0.0.9:5062'])
  send('UDP elsewhere.example;branch=z9hG4bKb', 'OPTIONS')
  send('UDP 10.0.0.9:5062;rport;branch=z9hG4bKc', 'OPTIONS')
  await pass(clock, 20)
  expect(answers().slice(4)).toEqual(['200 10.0.0.9:5060', '200 10.0.0.9:7777'])
  const closed = phone.close(0)
  await pass(clock, 100)
  await closed
})
