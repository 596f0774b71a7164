/** A gateway without doors, whose bridges carry RTP, and the programs at their other ends. */
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PeerCommand, PeerDescription } from '../../src/adapters/adapter.ts'
import type { Bridge } from '../../src/bridges/bridge.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { type Program, portsInTurn, startProgram } from './program.ts'

type Does = PeerDescription['does']

export interface RtpBridge {
  readonly bridge: Bridge
  /** What each end must know, by what it does. */
  readonly peers: ReadonlyMap<Does, PeerDescription>
}

export interface RtpGateway {
  readonly gateway: Gateway
  /** Where its files and those of the programs lie. */
  readonly folder: string
  /** `onPeer` is called as soon as an end can be told what to run. */
  open(from: string, to: readonly string[], onPeer?: (peer: PeerDescription) => void): Promise<RtpBridge>
  /** Runs a command of a description word for word, through a shell, in a folder of its own with its description. */
  run(peer: PeerDescription, program: PeerCommand['program'], folder: string): Program
  close(): Promise<void>
}

/** Even ports, each with the next one free too: as many pairs as asked for, one behind the other. */
export const freePairs = async (count: number): Promise<number> => {
  const bind = (port: number): Promise<ReturnType<typeof createSocket>> =>
    new Promise((resolve, reject) => {
      const socket = createSocket('udp4')
      socket.once('error', reject)
      socket.bind(port, '0.0.0.0', () => resolve(socket))
    })
  for (;;) {
    const first = (portsInTurn(count * 2 + 1) + 1) & ~1
    const all = Array.from({ length: count * 2 }, (_, i) => bind(first + i))
    const bound = await Promise.allSettled(all)
    for (const each of bound) if (each.status === 'fulfilled') each.value.close()
    if (bound.every(({ status }) => status === 'fulfilled')) return first
  }
}

export const startRtpGateway = async (): Promise<RtpGateway> => {
  const folder = mkdtempSync(join(tmpdir(), 'crosspoint-rtp-'))
  const gateway = await createGateway({ log: { level: 'silent' } }, { listen: false })
  return {
    gateway,
    folder,
    async open(from, to, onPeer) {
      const peers = new Map<Does, PeerDescription>()
      const bridge = await gateway.bridges.open({
        ...{ from, to, waitMs: 30_000, retry: false, resolveFile: name => join(folder, name) },
        onPeer: (_end, peer) => {
          peers.set(peer.does, peer)
          onPeer?.(peer)
        },
      })
      return { bridge, peers }
    },
    run({ sdp, commands }, program, cwd) {
      if (sdp !== undefined) writeFileSync(join(cwd, 'stream.sdp'), sdp)
      const found = commands.find(command => command.program === program)
      if (found === undefined) throw new Error(`there is no command for ${program}`)
      return startProgram('sh', ['-c', `exec ${found.line}`], { cwd })
    },
    async close() {
      await gateway.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
