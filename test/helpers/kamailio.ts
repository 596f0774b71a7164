/** A real registrar and proxy: everybody's password is `secret-` and the user. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startProgram, until } from './program.ts'
import { sipReaches } from './sip-options.ts'

export interface Kamailio {
  readonly port: number
  output(): string
  stop(): Promise<void>
}

const fixture = join(import.meta.dirname, '../fixtures/sip/kamailio.cfg')

export const startKamailio = async (port?: number): Promise<Kamailio> => {
  const own = port ?? (await freePort())
  const directory = mkdtempSync(join(tmpdir(), 'kamailio-'))
  const doors = ['udp', 'tcp'].flatMap(transport => ['-l', `${transport}:127.0.0.1:${own}`])
  const memory = ['-m', '16', '-M', '4']
  const program = startProgram('/usr/sbin/kamailio', [
    ...['-DD', '-E', '-f', fixture, '-Y', directory, '-P', join(directory, 'pid')],
    ...memory,
    ...doors,
  ])
  await until(
    () => `kamailio does not answer: ${program.output().slice(-2000)}`,
    () => sipReaches(own),
  )
  return {
    port: own,
    output: program.output,
    stop: async () => {
      await program.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
