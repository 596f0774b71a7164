/** Calls over the API to SIPp, which sends them on by 302: where they get to, and where not. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { stopPrograms, until } from '../helpers/program.ts'
import { openUserAgent } from '../helpers/sip-user-agent.ts'
import { startSipp } from '../helpers/sipp.ts'

const listen = { host: '127.0.0.1', port: 0 }
const doors = { http: { listen }, rtmp: { listen }, webrtc: { listen } }
const log = createLogger({ level: 'silent', format: 'json' })
let careful: Gateway
let open: Gateway
let phone: Signalling
let rung: string[]

beforeAll(async () => {
  rung = []
  phone = await openUserAgent({
    onInvite: invite => {
      rung.push(invite.request.uri.user)
      invite.progress(180)
    },
  })
  const from = { listen, outbound: { domains: ['127.0.0.1'] } }
  careful = await createGateway({ ...doors, sip: from }, { log })
  const everybody = { listen, outbound: { domains: ['*'] } }
  open = await createGateway({ ...doors, sip: everybody, outbound: { allowPrivate: [] } }, { log })
})
afterAll(async () => {
  await Promise.all([careful, open].map(gateway => gateway?.close()))
  await stopPrograms()
  await phone?.close()
})

const dial = async (gateway: Gateway, port: number) => {
  const { address, port: http } = gateway.doors.get('http')!
  const response = await fetch(`http://${address}:${http}/v1/calls`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ to: `sip:phone@127.0.0.1:${port}` }),
  })
  return { status: response.status, answer: (await response.json()) as { id: string } }
}

test('sent on: past who may not be called, to who may', async () => {
  const next = `127.0.0.1:${phone.addresses[0]!.port}`
  const { port, done } = await startSipp('callee-moved-on', ['-m', '1', '-key', 'next', next])
  const { status, answer } = await dial(careful, port)
  expect(status).toBe(201)
  await done
  await until('it rings where it was sent', () => careful.calls.get(answer.id).state === 'ringing')
  expect(rung).toEqual(['second'])
  await careful.calls.hangup(answer.id)
})

test('sent back to where it came from, for ever: given up after five times', async () => {
  const { port, done } = await startSipp('callee-moved-to-itself', ['-m', '6'])
  const { answer } = await dial(careful, port)
  await done
  await until('it is over', () => careful.calls.get(answer.id).state === 'ended')
  expect(careful.calls.get(answer.id).reason).toMatchObject({ code: 302, by: 'them' })
})

test('whom * lets through is not called at a private address over the API', async () => {
  const { status, answer } = await dial(open, phone.addresses[0]!.port)
  expect(status).toBe(403)
  expect(JSON.stringify(answer)).toContain('outbound.allowPrivate')
  expect(rung).toEqual(['second'])
})
