/** SIPp, one scenario of test/fixtures/sipp at a time. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Program, startProgram } from './program.ts'

export interface SippRun {
  readonly port: number
  readonly program: Program
  /** Resolves when every call went as written; rejects with SIPp's own words otherwise. */
  readonly done: Promise<void>
}

const fixture = (scenario: string): string =>
  join(import.meta.dirname, '..', 'fixtures', 'sipp', `${scenario}.xml`)

const readErrors = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Starts SIPp; `target` is 'host:port' for a caller, absent for one that is called. */
export const startSipp = async (
  scenario: string,
  args: readonly string[],
  target?: string,
): Promise<SippRun> => {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'sipp-'))
  const errors = join(folder, 'errors.log')
  const where = ['-i', '127.0.0.1', '-mi', '127.0.0.1', '-p', String(port)]
  const ends = ['-timeout', '15s', '-timeout_error', '-nostdin', '-trace_err', '-error_file', errors]
  const all = [
    '-sf',
    fixture(scenario),
    ...where,
    ...ends,
    ...args,
    ...(target === undefined ? [] : [target]),
  ]
  const program = startProgram('sipp', all, { cwd: folder })
  const done = program.exited.then(code => {
    const said = readErrors(errors)
    rmSync(folder, { recursive: true, force: true })
    if (code !== 0)
      throw new Error(`sipp ${scenario} ended with ${code}: ${said}${program.output().slice(-1500)}`)
  })
  return { port, program, done }
}
