#!/usr/bin/env node
// Plain JavaScript that even an old Node can parse: its first job is to say so when Node is too old.
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const at = path => new URL(path, import.meta.url)
const has = path => existsSync(fileURLToPath(at(path)))

const compare = (a, b) => a[0] - b[0] || a[1] - b[1]
const numbers = version =>
  version
    .replace(/^[^\d]*/, '')
    .split('.')
    .map(Number)

/** One sentence that says what is missing to run at all, or undefined. */
const obstacle = () => {
  const { engines } = JSON.parse(readFileSync(at('../package.json'), 'utf8'))
  const current = process.versions.node
  if (compare(numbers(current), numbers(engines.node)) < 0)
    return `crosspoint needs Node.js ${engines.node}, this is ${current}: install a newer one, or in a checkout run it by "npx crosspoint" after "npm ci", which brings its own.`
  if (has('../src/cli/main.ts')) {
    if (!has('../node_modules'))
      return 'crosspoint has no dependencies installed yet: run "npm ci" in the checkout first.'
    if (!process.features.typescript)
      return `crosspoint runs from TypeScript in a checkout, which needs Node.js 22.18 or newer, this is ${current}: use "npx crosspoint" after "npm ci".`
    return undefined
  }
  return has('../dist/cli/main.js')
    ? undefined
    : 'crosspoint is not built: dist/cli/main.js is missing, run "npm run build".'
}

// The command line may hold stream keys, and everybody on this machine may read it (ps).
process.title = `crosspoint ${/^[a-z]+$/.test(process.argv[2]) ? process.argv[2] : ''}`.trim()

const sentence = obstacle()
if (sentence === undefined) {
  // What is compiled (in a checkout: from TypeScript) is kept, which halves the start; where it cannot be, nothing is lost.
  module.enableCompileCache?.(fileURLToPath(at('../node_modules/.cache/crosspoint')))
  const { main } = await import(has('../src/cli/main.ts') ? '../src/cli/main.ts' : '../dist/cli/main.js')
  process.exitCode = await main(process.argv)
  // Everything is closed by now; should a handle have been forgotten, it does not keep the process alive.
  setTimeout(() => process.exit(), 2000).unref()
} else {
  process.stderr.write(`${sentence}\n`)
  process.exitCode = 1
}
