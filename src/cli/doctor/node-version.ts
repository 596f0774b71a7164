import { readFileSync } from 'node:fs'
import { EXIT } from '../exit-codes.ts'
import type { Finding } from './finding.ts'

const packageFile = new URL('../../../package.json', import.meta.url)
const supported = (): string =>
  (JSON.parse(readFileSync(packageFile, 'utf8')) as { engines: { node: string } }).engines.node

const numbers = (version: string): number[] => version.replace(/^\D*/, '').split('.').map(Number)

const isOlder = (version: string, than: string): boolean => {
  const [[major = 0, minor = 0], [wantedMajor = 0, wantedMinor = 0]] = [numbers(version), numbers(than)]
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

/** `wanted` is as in package.json: `>=22.12`. */
export const checkNode = (version = process.versions.node, wanted = supported()): Finding => {
  const check = 'Node.js'
  if (!isOlder(version, wanted)) return { check, state: 'ok', detail: `${version}, wanted ${wanted}` }
  return {
    ...{ check, state: 'fail', detail: `${version} is too old, wanted ${wanted}` },
    ...{ mend: 'install a newer one from https://nodejs.org', exitCode: EXIT.dependency },
  }
}
