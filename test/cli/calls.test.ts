/** Phones on the command line: a call is made, looked at, changed and ended; what would happen to one is explained. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallExplanationView, CallView } from '../../src/http/schemas/call.ts'
import { crosspoint, runCrosspoint, type Server, startServer } from '../helpers/crosspoint.ts'
import { freePort, stopPrograms, until } from '../helpers/program.ts'

let folder: string
let file: string
let server: Server
let sip: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'calls-'))
  file = join(folder, 'crosspoint.yaml')
  sip = `127.0.0.1:${await freePort()}`
  const routes = [
    { called: '1000', from: 'loopback', publish: 'calls/{callId}', transfer: { to: ['9'] } },
    { called: '2000', from: 'loopback', hear: 'live/cam', greeting: 'hello.wav' },
    { called: '3000', from: 'loopback', hear: 'live/cam', pin: '4711' },
    { called: '/7(?<room>\\d+)/', auth: { user: 'bob', password: 'hush4' }, publish: 'rooms/{room}' },
  ]
  writeFileSync(file, JSON.stringify({ sip: { routes, outbound: { domains: ['127.0.0.1'] } } }))
  server = await startServer(['--config', file, '--sip', sip])
})
afterAll(async () => {
  await stopPrograms()
  rmSync(folder, { recursive: true })
})

const run = async (...args: string[]) => runCrosspoint([...args, '--gateway', server.http])
const calls = async (): Promise<CallView[]> =>
  ((await (await fetch(`${server.http}/v1/calls`)).json()) as { calls: CallView[] }).calls

describe('sip explain', () => {
  test.for<[what: string, args: string[], code: number, said: RegExp]>([
    ['waited for', ['2000'], 0, /admitted by 2000; it rings until live\/cam is live; a greeting is played\n/],
    ['asked for digits', ['3000'], 0, /admitted by 3000; a PIN is asked for\n/],
    ['admitted', ['1000'], 0, /admitted by 1000\n.*✓ {2}1000 +admits it/],
    [
      'from elsewhere',
      ['sip:1000@gw', '--from', '192.0.2.7'],
      3,
      /^403 Forbidden.*192\.0\.2\.7 is not in loopback/,
    ],
    ['asks for a password', ['712'], 0, /^401 until it is signed by bob[\s\S]*published as rooms\/12 and/],
    ['about nobody', ['9'], 3, /^404 Not Found[\s\S]*Nothing is opened/],
  ])('%s, by the gateway and by its file', async ([, args, code, said]) => {
    const online = await run('sip', 'explain', ...args)
    expect(online.output).toMatch(said)
    expect(online.code).toBe(code)
    const offline = await runCrosspoint(['sip', 'explain', ...args, '--config', file])
    expect(offline).toEqual(online)
  })

  test('an address that is none is refused by the name of the option', async () => {
    const { code, output } = await run('sip', 'explain', '1000', '--from', 'nonsense')
    expect([code, output]).toEqual([
      2,
      expect.stringMatching(/--from <ip>.*'nonsense'.* It is an IP address/),
    ])
  })

  test('as JSON', async () => {
    const { stdout } = await run('sip', 'explain', 'sip:1000@gw', '--json')
    const found = JSON.parse(stdout) as CallExplanationView
    expect(found).toMatchObject({ outcome: 'admitted', code: 200, publish: 'calls/{callId}', hear: null })
  })
})

describe('calls', () => {
  test('one is made, looked at, changed and hung up', async () => {
    expect((await run('calls')).output).toBe('There are no calls.\n')
    const call = crosspoint(['call', `sip:1000@${sip}`, '--to', 'out/one', '--gateway', server.http])
    await until(
      'it is live',
      async () => (await calls()).filter(({ state }) => state === 'live').length === 2,
    )
    const { id } = (await calls()).find(({ direction }) => direction === 'outbound')!
    expect((await run('calls')).output).toMatch(new RegExp(`${id} +out .*live.*opus.*out/one`))
    expect((await run('calls', id)).output).toMatch(/publishes out\/one, hears nothing\naudio opus/)
    expect((await run('calls', 'hold', id)).output).toBe(`${id}: on hold.\n`)
    expect((await run('calls')).output).toMatch(/live · hold by us/)
    expect((await calls()).map(({ hold }) => hold).sort()).toEqual(['by-them', 'by-us'])
    await run('calls', 'unhold', id)
    expect((await run('calls', 'dtmf', id, '1#')).output).toBe(`${id}: keyed in 1#.\n`)
    const heard = await run('calls', 'hear', id, 'live/none')
    expect(heard.output).toBe(`${id}: hears live/none (live/none is not live).\n`)
    const passed = await run('calls', 'transfer', id, `sip:9@${sip}`)
    expect([passed.code, passed.output]).toEqual([
      3,
      expect.stringMatching(/not transferred to sip:9@.*: 404/),
    ])
    const garbled = await run('calls', 'transfer', id, '1234')
    expect([garbled.code, garbled.output]).toEqual([2, expect.stringContaining('can be read in 1234')])
    expect((await run('hangup', id, '--reason', 'enough')).output).toBe(`Hung up ${id}.\n`)
    expect(await call.exited).toBe(0)
    expect(call.output()).toMatch(/ended by us: enough/)
    const ended = await run('hangup', id)
    expect([ended.code, ended.output]).toEqual([3, expect.stringContaining('has ended')])
  })

  test('a caller that is asked for a PIN is shown so, not as if it were joined', async () => {
    const call = crosspoint(['call', `sip:3000@${sip}`, '--gateway', server.http])
    const asked = async () => (await calls()).find(({ waitsFor }) => waitsFor === 'pin')
    await until('it is answered', async () => (await asked()) !== undefined)
    expect(await asked()).toMatchObject({ state: 'live', publish: null, hear: null })
    const { id } = (await asked())!
    expect((await run('calls')).output).toMatch(new RegExp(`${id} +in .*live · waits for a PIN.*– +–\n`))
    expect((await run('calls', id)).output).toContain('\npublishes nothing yet, hears nothing yet\n')
    await run('hangup', id)
    await call.exited
  })

  test('one that is refused says by whom and why', async () => {
    const { code, output } = await run('call', `sip:9@${sip}`)
    expect([code, output]).toEqual([3, expect.stringContaining('404 Not Found')])
    const far = await run('call', 'sip:9@example.org')
    expect([far.code, far.output]).toEqual([3, expect.stringContaining('sip.outbound.domains')])
    const number = await run('call', 'tel:+4930123')
    expect([number.code, number.output]).toEqual([3, expect.stringContaining('name one of sip.accounts')])
    const nobody = await run('call', 'bob')
    expect([nobody.code, nobody.output]).toEqual([2, expect.stringContaining('bob is no URL')])
  })

  test('Ctrl-C hangs up', async () => {
    const call = crosspoint(['call', `sip:1000@${sip}`, '--gateway', server.http])
    const live = async () => (await calls()).filter(({ state }) => state === 'live').length
    await until('it is live', async () => (await live()) === 2)
    call.child.kill('SIGINT')
    expect(await call.exited).toBe(0)
    await until('both ends are', async () => (await calls()).every(({ state }) => state === 'ended'))
  })
})
