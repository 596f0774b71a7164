/** `crosspoint hooks test`: whether the webhooks of a configuration arrive, and what the access hook answers. */
import { randomUUID } from 'node:crypto'
import type { Access } from '../adapters/adapter.ts'
import { parseConfig, readConfigFile } from '../config/config.ts'
import { GatewayError } from '../errors.ts'
import type { GatewayEvent } from '../events/event.ts'
import { type PostResult, post } from '../hooks/post.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson } from './print.ts'

interface HooksFlags {
  readonly config: string
  readonly json?: boolean
}
interface Tried {
  readonly kind: 'webhook' | 'access hook'
  readonly url: string
  readonly ok: boolean
  readonly answer: string
  readonly ms: number
}

const testEvent = (): GatewayEvent => ({
  id: `test-${randomUUID()}`,
  time: new Date().toISOString(),
  type: 'hook:test',
  reason: 'somebody ran "crosspoint hooks test"',
})

/** Nobody is let in by the answer. */
const testQuestion: Access = {
  action: 'subscribe',
  stream: 'hooks/test',
  protocol: 'test',
  remote: '127.0.0.1',
}

const describe = (result: PostResult): string =>
  result.status?.toString() ?? (result as { failure: string }).failure

const isYes = ({ status }: PostResult): boolean => status !== undefined && status >= 200 && status < 300

const timed = async (run: () => Promise<PostResult>): Promise<readonly [PostResult, number]> => {
  const start = performance.now()
  const result = await run()
  return [result, Math.round(performance.now() - start)]
}

const tryAll = async (file: string): Promise<readonly Tried[]> => {
  const { webhooks, access } = parseConfig(await readConfigFile(file))
  const tries = webhooks.map(async (config): Promise<Tried> => {
    const event = testEvent()
    const [result, ms] = await timed(() => post({ ...config, id: event.id, body: JSON.stringify(event) }))
    return { kind: 'webhook', url: maskUrls(config.url), ok: isYes(result), answer: describe(result), ms }
  })
  const { hook } = access
  if (hook !== undefined) {
    const [result, ms] = await timed(() =>
      post({ ...hook, id: randomUUID(), body: JSON.stringify(testQuestion) }),
    )
    const answer = `${describe(result)}: ${isYes(result) ? 'let in' : 'refused'}`
    const url = maskUrls(hook.url)
    // A refusal is an answer too.
    const ok = isYes(result) || result.status === 401 || result.status === 403
    return [...(await Promise.all(tries)), { kind: 'access hook', url, ok, answer, ms }]
  }
  return Promise.all(tries)
}

const test = async ({ config, json }: HooksFlags): Promise<number> => {
  const tried = await tryAll(config)
  if (tried.length === 0)
    throw new GatewayError('bad-config', `${config} has neither webhooks nor access.hook`)
  if (json === true) printJson({ hooks: tried })
  else
    print(
      columns(
        tried.map(({ kind, url, ok, answer, ms }) => [ok ? 'ok' : 'failed', kind, url, answer, `${ms} ms`]),
      ),
    )
  return tried.every(({ ok }) => ok) ? EXIT.ok : EXIT.unreachable
}

export const define: Define = (command, finish) => {
  const example = examples('hooks test --config crosspoint.yaml')
  command
    .addHelpText('after', example)
    .command('test')
    .description('send a signed test event to every webhook, and a question to the access hook')
    .requiredOption('--config <file>', 'YAML file of the gateway')
    .option('--json', 'as JSON')
    .addHelpText('after', example)
    .action(async (flags: HooksFlags) => finish(await test(flags)))
}
