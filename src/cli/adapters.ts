/** `crosspoint adapters`: what every protocol can carry, from the adapters' own declarations. */
import type { Adapter, Capability } from '../adapters/adapter.ts'
import { adapters } from '../adapters/index.ts'
import { adapterView } from '../http/views.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson } from './print.ts'

/** Rows and the remarks that their numbers point to. */
interface Table {
  readonly rows: readonly (readonly string[])[]
  readonly notes: readonly string[]
}

const roleNames = { listen: 'others connect', pull: 'pulls', push: 'pushes' } as const
const roles = (adapter: Adapter<unknown>): string =>
  (['listen', 'pull', 'push'] as const)
    .filter(role => adapter[role] !== undefined)
    .map(role => roleNames[role])
    .join(', ')

/** One row for each codec: which way each protocol carries it. */
const createTable = (): Table => {
  const notes: string[] = []
  const mark = (direction: string, capability: Capability | undefined): string[] => {
    if (capability === undefined) return []
    const { note } = capability
    if (note === undefined) return [direction]
    if (!notes.includes(note)) notes.push(note)
    return [`${direction} (${notes.indexOf(note) + 1})`]
  }
  const cell = (codec: string, { ingests, egresses }: Adapter<unknown>): string => {
    const of = (list: readonly Capability[]): Capability | undefined =>
      list.find(entry => entry.codec === codec)
    return [...mark('in', of(ingests)), ...mark('out', of(egresses))].join(', ') || '–'
  }
  const codecs = new Set(
    adapters.flatMap(({ ingests, egresses }) => [...ingests, ...egresses].map(({ codec }) => codec)),
  )
  const rows = [
    ['', ...adapters.map(({ name }) => name)],
    ...[...codecs].map(codec => [codec, ...adapters.map(adapter => cell(codec, adapter))]),
    ['roles', ...adapters.map(roles)],
    ['URLs', ...adapters.map(({ schemes }) => schemes.map(scheme => `${scheme}:`).join(' ') || '–')],
  ]
  return { rows, notes: notes.map((note, i) => `(${i + 1}) ${note}`) }
}

/** The table of the README; a test holds the two equal. */
export const adaptersMarkdown = (): string => {
  const { rows, notes } = createTable()
  const [head = [], ...body] = rows
  const lines = [head, head.map(() => '---'), ...body].map(cells => `| ${cells.join(' | ')} |`)
  return [...lines, '', notes.join(' · ')].join('\n')
}

const printAdapters = (options: { readonly markdown?: boolean; readonly json?: boolean }): number => {
  if (options.json) printJson({ adapters: adapters.map(adapter => adapterView(adapter, undefined)) })
  else if (options.markdown) print(adaptersMarkdown())
  else {
    const { rows, notes } = createTable()
    print([columns(rows), '', ...notes].join('\n'))
  }
  return EXIT.ok
}

export const define: Define = (command, finish) => {
  command
    .option('--markdown', 'the table of the README')
    .option('--json', 'as JSON')
    .addHelpText('after', examples('adapters', 'adapters --json'))
    .action(options => finish(printAdapters(options)))
}
