import { type Address, formatAddress } from '../../config/address.ts'
import type { Config } from '../../config/config.ts'
import type { AdapterView } from '../../http/schemas/adapter.ts'
import { EXIT } from '../exit-codes.ts'
import { doorNames } from '../flags.ts'
import { isFree } from '../free-ports.ts'
import type { Finding } from './finding.ts'

const askMs = 1000

const listenOf = (config: Config, name: string): Address | null => {
  const section = name === 'http' ? config.http : config.adapters.get(name)
  return (section as { listen: Address | null }).listen
}

/** Doors of a gateway that runs already; none when none answers. */
const runningPorts = async ({ http }: Config): Promise<ReadonlySet<number>> => {
  const url = `http://${formatAddress(http.listen)}/v1/adapters`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(askMs) })
    const { adapters } = (await response.json()) as { adapters: AdapterView[] }
    const ports = adapters.flatMap(({ listening }) => (listening === undefined ? [] : [listening.port]))
    return new Set([http.listen.port, ...ports])
  } catch {
    return new Set()
  }
}

const checkPort = async (name: string, listen: Address, running: ReadonlySet<number>): Promise<Finding> => {
  const [check, where] = [`port ${name}`, formatAddress(listen, '*')]
  if (running.has(listen.port)) return { check, state: 'ok', detail: `${where}: a gateway runs and has it` }
  if (await isFree(listen)) return { check, state: 'ok', detail: `${where} can be listened on` }
  return {
    ...{ check, state: 'fail', detail: `${where} is taken, not of this machine, or not allowed` },
    ...{ mend: `choose another by --${name} HOST:PORT, or end what has it`, exitCode: EXIT.port },
  }
}

/** Each door of the configuration that is not closed. */
export const checkPorts = async (config: Config): Promise<Finding[]> => {
  const running = await runningPorts(config)
  const doors = doorNames.map(name => [name, listenOf(config, name)] as const)
  return Promise.all(
    doors.flatMap(([name, listen]) => (listen === null ? [] : [checkPort(name, listen, running)])),
  )
}
