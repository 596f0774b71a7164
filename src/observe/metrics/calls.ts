/** Calls, by protocol: how many, how they went, what their media was like, and what signalling counts. */
import type { CallInfo } from '../../adapters/call-desk.ts'
import type { CallTotals } from '../../calls/call-totals.ts'
import type { Calls } from '../../calls/calls.ts'
import { addCallQuality } from './call-quality.ts'
import type { Exposition, Labels } from './exposition.ts'

export interface CallMeasures {
  readonly calls: Calls
  readonly totals: CallTotals
  /** How many calls have metrics of their own. */
  readonly shown: () => number
}

type Samples = (readonly [Labels, number])[]

const states = ['dialling', 'ringing', 'early', 'live', 'ending'] as const
const accountStates = ['registered', 'registering', 'failed', 'unregistered', 'trunk'] as const

const sum = (calls: readonly CallInfo[], of: (media: CallInfo['media'][number]) => number): number =>
  calls.reduce((total, { media }) => total + media.reduce((part, line) => part + of(line), 0), 0)

const addSound = (out: Exposition, running: readonly CallInfo[]): void => {
  const lines = running.flatMap(({ media }) => media.filter(({ kind }) => kind === 'audio'))
  const scores = lines.flatMap(({ mos }) => (mos === undefined ? [] : [mos]))
  const codecs = [...new Set(lines.map(({ codec }) => codec))]
  out.add(
    'crosspoint_sip_call_codecs',
    'gauge',
    'Lines of sound by codec',
    codecs.map(codec => [{ codec }, lines.filter(line => line.codec === codec).length]),
  )
  const worst: Samples = scores.length === 0 ? [] : [[{ of: 'worst' }, Math.min(...scores)]]
  const mean = scores.reduce((total, score) => total + score, 0) / scores.length
  out.add('crosspoint_sip_mos', 'gauge', 'Mean opinion score of calls now (ITU-T G.107)', [
    ...worst,
    ...(scores.length === 0 ? [] : [[{ of: 'mean' }, mean] as const]),
  ])
}

const addPackets = (out: Exposition, running: readonly CallInfo[], totals: CallTotals): void => {
  out.add('crosspoint_sip_rtp_packets_total', 'counter', 'RTP packets of calls', [
    [{ direction: 'in' }, totals.packetsReceived + sum(running, ({ received }) => received.packets)],
    [{ direction: 'out' }, totals.packetsSent + sum(running, ({ sent }) => sent.packets)],
  ])
  out.add('crosspoint_sip_rtp_lost_packets', 'gauge', 'RTP packets of calls that never came', [
    [{}, totals.packetsLost + sum(running, ({ received }) => received.lost)],
  ])
}

const addSignalling = (out: Exposition, calls: Calls): void => {
  const counters = [...calls.counters().values()].flatMap(each => Object.entries(each))
  out.add(
    'crosspoint_sip_signalling_total',
    'counter',
    'Messages of signalling, and requests refused by cause',
    counters.map(([what, count]) => [{ what }, count]),
  )
}

export const addCalls = (out: Exposition, { calls, totals, shown }: CallMeasures): void => {
  const running = calls.list().filter(({ state }) => state !== 'ended')
  const gauge: Samples = (['inbound', 'outbound'] as const).flatMap(direction =>
    states.map(
      state =>
        [
          { direction, state },
          running.filter(call => call.direction === direction && call.state === state).length,
        ] as const,
    ),
  )
  out.add('crosspoint_sip_calls', 'gauge', 'Calls by direction and state', gauge)
  const ended = [...totals.ended].map(([key, count]) => {
    const [direction = '', outcome = ''] = key.split(' ')
    return [{ direction, outcome }, count] as const
  })
  out.add('crosspoint_sip_calls_ended_total', 'counter', 'Calls that are over, and how they went', ended)
  out.add('crosspoint_sip_call_seconds_total', 'counter', 'From answer to end', [[{}, totals.seconds]])
  out.add('crosspoint_sip_digits_total', 'counter', 'Keys pressed at the other end', [[{}, totals.digits]])
  addPackets(out, running, totals)
  addSound(out, running)
  addCallQuality(out, running, shown())
  const accounts = calls.accounts()
  out.add(
    'crosspoint_sip_accounts',
    'gauge',
    'Registrations and trunks by state',
    accountStates.map(state => [{ state }, accounts.filter(account => account.state === state).length]),
  )
  addSignalling(out, calls)
}
