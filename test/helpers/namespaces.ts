/** Networks of our own on this machine: namespaces of the kernel, joined by cables, with a router that masquerades. */
import { spawnSync } from 'node:child_process'
import { type Program, runProgram, startProgram } from './program.ts'

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`

const tries = (...command: string[]): string | undefined => {
  const { status, stderr } = spawnSync('env', [`PATH=${PATH}`, ...command], { encoding: 'utf8' })
  return status === 0 ? undefined : `${command.slice(0, 2).join(' ')}: ${stderr.trim().slice(0, 200)}`
}

/** The rules of a router that masquerades. */
const masqueradeRules = (outside: string): string =>
  [
    'add table ip nat',
    'add chain ip nat out { type nat hook postrouting priority 100 ; }',
    `add rule ip nat out oifname "${outside}" masquerade fully-random`,
  ].join('; ')

/** Why there can be none here; undefined: there can. */
export const namespacesMissing = (): string | undefined => {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'only root may make network namespaces'
  const probe = `xp${process.pid.toString(36)}-probe`
  const reason =
    tries('ip', 'netns', 'add', probe) ?? tries('ip', 'netns', 'exec', probe, 'nft', masqueradeRules('lo'))
  tries('ip', 'netns', 'delete', probe)
  return reason
}

const ip = (...args: string[]): Promise<string> => runProgram('env', [`PATH=${PATH}`, 'ip', ...args])

export class Namespaces {
  readonly #prefix = `xp${process.pid.toString(36)}`
  readonly #names: string[] = []
  #cables = 0

  async add(name: string): Promise<void> {
    await ip('netns', 'add', this.#full(name))
    this.#names.push(name)
    await ip('-n', this.#full(name), 'link', 'set', 'lo', 'up')
  }

  /** A cable with an address and its prefix at either end: `10.0.0.1/24`. Its ends are called after what they lead to. */
  async join(one: string, oneAddress: string, other: string, otherAddress: string): Promise<void> {
    const [a, b] = [`${this.#prefix}a${this.#cables}`, `${this.#prefix}b${this.#cables++}`]
    await ip('link', 'add', a, 'type', 'veth', 'peer', 'name', b)
    for (const [end, name, to, address] of [
      [a, one, other, oneAddress],
      [b, other, one, otherAddress],
    ] as const) {
      await ip('link', 'set', end, 'netns', this.#full(name), 'name', to)
      await ip('-n', this.#full(name), 'address', 'add', address, 'dev', to)
      await ip('-n', this.#full(name), 'link', 'set', to, 'up')
    }
  }

  /** A further address of a cable's end. */
  async addAddress(name: string, to: string, address: string): Promise<void> {
    await ip('-n', this.#full(name), 'address', 'add', address, 'dev', to)
  }

  async route(name: string, by: string): Promise<void> {
    await ip('-n', this.#full(name), 'route', 'add', 'default', 'via', by)
  }

  /** What `router` sends towards `outside` comes from its own address there, from ports that tell nothing. */
  async masquerade(router: string, outside: string): Promise<void> {
    await this.run(router, 'sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
    await this.run(router, 'nft', [masqueradeRules(outside)])
  }

  start(name: string, command: string, args: readonly string[]): Program {
    return startProgram('env', [`PATH=${PATH}`, 'ip', 'netns', 'exec', this.#full(name), command, ...args])
  }

  run(name: string, command: string, args: readonly string[]): Promise<string> {
    return runProgram('env', [`PATH=${PATH}`, 'ip', 'netns', 'exec', this.#full(name), command, ...args])
  }

  /** Everything in them ends first; cables go with what they join. */
  async close(): Promise<void> {
    for (const name of this.#names) await ip('netns', 'delete', this.#full(name))
    this.#names.length = 0
  }

  #full(name: string): string {
    return `${this.#prefix}-${name}`
  }
}
