/**
 * Builds the addon; run by npm's "install" script. Plain JavaScript, because any Node may drive it: the build itself
 * runs under, and against the headers of, the Node that is pinned in node_modules where there is one.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const stampFile = join(here, 'build', 'built-from')
const addon = join(here, 'build', 'Release', 'crosspoint.node')

/** node-gyp takes the headers of another directory from the environment; only ours may decide. */
const hasHeaders = directory => existsSync(join(directory, 'include', 'node', 'openssl', 'ssl.h'))

const findPinnedNode = () => {
  const name = `node-${process.platform}-${process.arch}`
  const places = [join(root, 'node_modules', 'node', 'node_modules', name), join(root, 'node_modules', name)]
  return places.find(place => hasHeaders(place) && existsSync(join(place, 'bin', 'node')))
}

const findNode = () => {
  const pinned = findPinnedNode()
  if (pinned !== undefined) return { program: join(pinned, 'bin', 'node'), headers: pinned }
  const own = join(dirname(process.execPath), '..')
  return { program: process.execPath, headers: hasHeaders(own) ? own : undefined }
}

const describeBuild = node => {
  const hash = createHash('sha256')
  const sources = readdirSync(here).filter(name => /\.(cc|h|gyp)$/.test(name))
  for (const name of sources.sort()) hash.update(name).update(readFileSync(join(here, name)))
  const abi = spawnSync(node.program, [
    '-p',
    'process.arch + process.versions.modules + process.versions.openssl',
  ])
  return hash.update(abi.stdout ?? '').digest('hex')
}

const isBuilt = stamp =>
  existsSync(addon) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp

const environmentWithoutNodeDirectory = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package_)?config_(node_gyp_)?nodedir$/i.test(name),
    ),
  )

const runNodeGyp = node => {
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const headers = node.headers === undefined ? [] : [`--nodedir=${node.headers}`]
  return spawnSync(node.program, [nodeGyp, 'rebuild', '-C', here, ...headers], {
    encoding: 'utf8',
    env: environmentWithoutNodeDirectory(),
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** The lines that say why; node-gyp surrounds them with a hundred that do not. */
const reasonOf = result => {
  const lines = `${result.error?.message ?? ''}\n${result.stdout ?? ''}\n${result.stderr ?? ''}`.split('\n')
  const telling = lines
    .filter(
      line =>
        /error|not found|could not|no such/i.test(line) &&
        !/(build|configure) error|^gyp ERR! stack +at/.test(line),
    )
    .map(line => line.replace(/^gyp ERR! (stack )?/, '').trim())
  return [...new Set(telling)]
    .slice(0, 5)
    .map(line => `\n  ${line}`)
    .join('')
}

const build = () => {
  const node = findNode()
  const stamp = describeBuild(node)
  if (isBuilt(stamp)) return 0
  const result = runNodeGyp(node)
  if (result.status === 0 && existsSync(addon)) {
    writeFileSync(stampFile, stamp)
    return 0
  }
  console.error(
    `crosspoint: the native addon (WebRTC transport) could not be built.${reasonOf(result)}\n` +
      'It needs Python 3, make and a C++ compiler: apt-get install -y python3 make g++',
  )
  return 1
}

process.exitCode = build()
