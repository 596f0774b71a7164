/** `crosspoint sip explain URI`: what would happen to a call and why, by a file or by a running gateway. */
import { isIP } from 'node:net'
import { InvalidArgumentError } from 'commander'
import { adapters } from '../adapters/index.ts'
import { parseConfig, readConfigFile } from '../config/config.ts'
import { GatewayError } from '../errors.ts'
import { callExplanationView } from '../http/call-views.ts'
import type { CallExplanationView } from '../http/schemas/call.ts'
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson } from './print.ts'

/** @throws InvalidArgumentError for anything but an IP address */
const parseAddress = (text: string): string => {
  if (isIP(text) === 0) throw new InvalidArgumentError('It is an IP address: 192.0.2.7, 2001:db8::7.')
  return text
}

interface ExplainFlags extends ApiFlags {
  readonly config?: string
  readonly from?: string
  readonly caller?: string
}

const questionOf = (to: string, { from, caller }: ExplainFlags) => ({
  to,
  ...(from !== undefined && { remote: from }),
  ...(caller !== undefined && { from: caller }),
})

/** The same judgement that a gateway with this file would make. Nothing is opened. */
const offline = async (to: string, file: string, flags: ExplainFlags): Promise<CallExplanationView> => {
  const config = parseConfig(await readConfigFile(file))
  const adapter = adapters.find(({ name }) => name === 'sip')
  const { explainCalls } = adapter ?? {}
  if (explainCalls === undefined) throw new GatewayError('not-implemented', 'calls are not explained here')
  return callExplanationView(explainCalls(config.adapters.get('sip'), questionOf(to, flags)))
}

const drawn = ({ outcome, detail, rules, publish, hear }: CallExplanationView): string => {
  const lines = rules.map(({ rule, admits, why }) => [admits ? '✓' : '·', rule, why])
  const then =
    outcome === 'refused'
      ? 'Nothing is opened: no port, no stream.'
      : `The caller is ${publish === null ? 'not published' : `published as ${publish}`} and hears ${hear ?? 'silence'}.`
  return [detail, ...(lines.length === 0 ? ['There are no rules.'] : [columns(lines, '  ')]), then].join('\n')
}

const explain = async (to: string, flags: ExplainFlags): Promise<number> => {
  const found =
    flags.config === undefined
      ? await createApi(flags).post<CallExplanationView>('/v1/calls/explain', questionOf(to, flags))
      : await offline(to, flags.config, flags)
  if (flags.json) printJson(found)
  else print(drawn(found))
  return found.outcome === 'refused' ? EXIT.unreachable : EXIT.ok
}

export const define: Define = (command, finish) => {
  addApiFlags(command.command('explain').description('what would happen to a call, rule by rule'))
    .argument('<uri>', 'what is called: sip:1000@gateway, or 1000')
    .option('--from <ip>', 'the address it comes from; left out: this machine', parseAddress)
    .option('--caller <uri>', 'who calls, as the caller says')
    .option('--config <file>', 'by this file; left out: by the running gateway')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      examples(
        "sip explain 'sip:1000@gateway' --from 192.0.2.7",
        'sip explain 1000 --config crosspoint.yaml',
      ),
    )
    .action(async (to: string, flags: ExplainFlags) => finish(await explain(to, flags)))
  command.addHelpText('after', examples("sip explain 'sip:1000@gateway' --from 192.0.2.7"))
}
