/** `crosspoint adapters`: what every protocol can carry, from the adapters' own declarations. */
import type { Adapter, Capability } from '../adapters/adapter.ts'
import { adapters } from '../adapters/index.ts'
import { adapterView } from '../http/views.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson } from './print.ts'

const head = ['protocol', 'role', 'in', 'out', 'URLs']

/** Codecs with the same note stand together behind it: "h264, aac; Enhanced RTMP: h265, av1". */
const codecs = (capabilities: readonly Capability[]): string => {
  const byNote = Map.groupBy(capabilities, ({ note }) => note)
  const group = ([note, list]: [string | undefined, Capability[]]): string => {
    const names = list.map(({ codec }) => codec).join(', ')
    return note === undefined ? names : `${note}: ${names}`
  }
  return [...byNote].map(group).join('; ') || '–'
}

const roleNames = { listen: 'others connect', pull: 'pulls', push: 'pushes' } as const
const roles = (adapter: Adapter<unknown>): string =>
  (['listen', 'pull', 'push'] as const)
    .filter(role => adapter[role] !== undefined)
    .map(role => roleNames[role])
    .join(', ')

const row = (adapter: Adapter<unknown>): string[] => [
  adapter.name,
  roles(adapter),
  codecs(adapter.ingests),
  codecs(adapter.egresses),
  adapter.schemes.map(scheme => `${scheme}:`).join(' '),
]

/** The table of the README; a test holds the two equal. */
export const adaptersMarkdown = (): string =>
  [head, head.map(() => '---'), ...adapters.map(row)].map(cells => `| ${cells.join(' | ')} |`).join('\n')

export const printAdapters = (options: { readonly markdown?: boolean; readonly json?: boolean }): number => {
  if (options.json) printJson({ adapters: adapters.map(adapter => adapterView(adapter, undefined)) })
  else print(options.markdown ? adaptersMarkdown() : columns([head, ...adapters.map(row)]))
  return EXIT.ok
}
