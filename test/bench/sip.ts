/** How many calls a second the signalling takes and makes on one core, without media, against SIPp. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Signalling } from '../../src/adapters/sip/signalling.ts'
import { freePort, startProgram } from '../helpers/program.ts'
import { address, uri } from '../helpers/sip-peer.ts'
import { audio, openUserAgent } from '../helpers/sip-user-agent.ts'
import { startSipp } from '../helpers/sipp.ts'
import { type Bench, countOption, type Row } from './bench.ts'

interface Counts {
  calls: number
  failed: number
}

const open = (): Promise<Signalling> =>
  openUserAgent({
    limits: { requestsPerSecond: 1e6, burst: 1e6, serverTransactions: 1e6, clientTransactions: 1e6 },
  })

const lastNumber = (output: string, line: string): number =>
  Number(
    [...output.matchAll(new RegExp(`${line}\\s*\\|\\s*\\d+\\s*\\|\\s*(\\d+)`, 'g'))].at(-1)?.[1] ??
      Number.NaN,
  )

/** SIPp calls us. */
const taken = async (phone: Signalling, rate: number, seconds: number): Promise<Counts> => {
  const args = ['-s', '1000', '-r', String(rate), '-m', String(rate * seconds)]
  const { program, done } = await startSipp('caller-plain', args, `127.0.0.1:${phone.addresses[0]!.port}`)
  await done.catch(() => undefined)
  const output = program.output()
  return { calls: lastNumber(output, 'Successful call'), failed: lastNumber(output, 'Failed call') }
}

/** One call: dialled, answered, hung up; counted when it is over. */
const dial = (phone: Signalling, port: number, counts: Counts): Promise<void> =>
  new Promise(resolve => {
    const over = (kind: keyof Counts): void => {
      counts[kind]++
      resolve()
    }
    phone.invite(
      { uri: uri(`sip:phone@127.0.0.1:${port}`), from: address('<sip:gate@127.0.0.1>'), body: audio() },
      {
        accepted: session => {
          session.listen({ ended: ({ cause }) => over(cause === 'local' ? 'calls' : 'failed') })
          session.bye()
        },
        rejected: () => over('failed'),
      },
    )
  })

/** We call SIPp, in small groups at even distances. */
const made = async (phone: Signalling, rate: number, seconds: number): Promise<Counts> => {
  const port = await freePort()
  const where = ['-i', '127.0.0.1', '-mi', '127.0.0.1', '-p', String(port)]
  const sipp = startProgram('sipp', ['-sn', 'uas', ...where, '-nostdin'])
  await sleep(500)
  const counts: Counts = { calls: 0, failed: 0 }
  const calls: Promise<void>[] = []
  const began = performance.now()
  while (calls.length < rate * seconds) {
    const due = Math.min(rate * seconds, ((performance.now() - began) / 1000) * rate)
    while (calls.length < due) calls.push(dial(phone, port, counts))
    await sleep(5)
  }
  await Promise.all(calls)
  await sipp.stop()
  return counts
}

const measure = async (
  direction: string,
  run: (phone: Signalling, rate: number, seconds: number) => Promise<Counts>,
  rate: number,
  seconds: number,
): Promise<Row> => {
  const phone = await open()
  const [began, before] = [performance.now(), process.cpuUsage()]
  const { calls, failed } = await run(phone, rate, seconds)
  const wallMs = performance.now() - began
  const { user, system } = process.cpuUsage(before)
  const { retransmitted } = phone.stats()
  await phone.close(0)
  return {
    name: direction,
    callsPerSecond: rate,
    calls,
    failed,
    retransmitted,
    cpuPercent: (user + system) / 10 / wallMs,
    cpuMicrosPerCall: (user + system) / Math.max(1, calls),
  }
}

export const bench: Bench = async options => {
  const seconds = countOption(options, 'seconds', 5)
  const rates = options.has('rate') ? [countOption(options, 'rate', 250)] : [250, 500, 1000]
  const rows: Row[] = []
  await measure('warm-up', taken, 250, 1)
  for (const rate of rates) rows.push(await measure('taken', taken, rate, seconds))
  for (const rate of rates) rows.push(await measure('made', made, rate, seconds))
  return rows
}
