/** `crosspoint bridges [ID]`: what is relayed and recorded, and how each destination is. */
import type { BridgeView, LegView } from '../http/schemas/bridge.ts'
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { drawPlan } from './plan-words.ts'
import { columns, print, printJson } from './print.ts'
import { age, byteCount, drops, duration, facts } from './words.ts'

export const bridgesHead = ['ID', 'FROM', 'TO', 'STATE', 'SENT', 'RETRIES', 'LAST ERROR']

/** What is over is told as past: "before, 12 s ago: …". */
const errorWords = ({ state, lastError, lastErrorAt }: LegView): string => {
  if (lastError === null) return ''
  if (state !== 'live') return lastError
  return `before${lastErrorAt === null ? '' : `, ${age(lastErrorAt)} ago`}: ${lastError}`
}

/** One row a destination. */
export const bridgeRows = ({ id, from, legs }: BridgeView): string[][] =>
  legs.map(leg => {
    const { to, state, waiting, bytes, retries } = leg
    return [
      ...[id, from, to, waiting === null ? state : `${state}, waits ${duration(waiting.leftMs)}`],
      ...[byteCount(bytes), String(retries), errorWords(leg)],
    ]
  })

const nextTry = ({ nextRetryAt }: LegView): string | false =>
  nextRetryAt !== null && `next try in ${duration(Date.parse(nextRetryAt) - Date.now())}`

/** `waits up to 8 s for the publisher (connection reset)` */
const waitWords = ({ reason, leftMs }: NonNullable<LegView['waiting']>): string =>
  `waits up to ${duration(leftMs)} for the publisher (${reason})`

/** `number`: of several, as "crosspoint stop --only" takes it. */
const legLines = (leg: LegView, number: number | undefined): string[] => [
  `${number === undefined ? '' : `${number} `}→ ${leg.to}: ${facts(
    leg.state,
    leg.profile !== null && `profile ${leg.profile}`,
    leg.waiting !== null && waitWords(leg.waiting),
    byteCount(leg.bytes),
    leg.retries > 0 && `${leg.retries} retries`,
    leg.stats !== null && drops(leg.stats.dropped, leg.stats.droppedBy),
    nextTry(leg),
  )}`,
  ...(leg.lastError === null ? [] : [`    ${errorWords(leg)}`]),
  ...(leg.plan === null ? [] : drawPlan(leg.plan).map(line => `    ${line}`)),
  ...leg.preflight
    .filter(({ ok }) => ok === false)
    .map(
      check =>
        `    ${check.check}: ${check.measured}, wanted ${check.wanted}; ${check.repair ?? 'not mended'}`,
    ),
]

/** All that is known of one, for people. */
export const describeBridge = (bridge: BridgeView): string => {
  const { id, from, state, reason, source, legs } = bridge
  const error = source?.lastError ?? undefined
  const numbered = legs.flatMap((leg, i) => legLines(leg, legs.length > 1 ? i + 1 : undefined))
  return [`${id}  ${from}  ${facts(state, reason, error)}`, ...numbered].join('\n')
}

const bridges = async (id: string | undefined, flags: ApiFlags): Promise<void> => {
  const api = createApi(flags)
  if (id !== undefined) {
    const bridge = await api.get<BridgeView>(`/v1/bridges/${encodeURIComponent(id)}`)
    if (flags.json) printJson(bridge)
    else print(describeBridge(bridge))
    return
  }
  const answer = await api.get<{ bridges: BridgeView[] }>('/v1/bridges')
  if (flags.json) printJson(answer)
  else if (answer.bridges.length === 0) print('There are no bridges.')
  else print(columns([bridgesHead, ...answer.bridges.flatMap(bridgeRows)]))
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .argument('[id]', 'one bridge with its plan')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('bridges', 'bridges 1f3a9c02', 'bridges --json'))
    .action(async (id: string | undefined, flags: ApiFlags) => {
      await bridges(id, flags)
      finish(EXIT.ok)
    })
}
