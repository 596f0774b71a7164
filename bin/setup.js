#!/usr/bin/env node
// Makes sure of the programs that the demo and the tests run beside us. Plain JavaScript: it runs before anything else.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin']
const runnable = path => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
const program = name => () => directories.some(directory => runnable(join(directory, name)))
const anyFile =
  (...paths) =>
  () =>
    paths.some(path => existsSync(path))

const gstreamerPlugin = name =>
  anyFile(
    `/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgst${name}.so`,
    `/usr/lib/aarch64-linux-gnu/gstreamer-1.0/libgst${name}.so`,
  )

/** Debian package → how to see that what we need of it is here. */
const packages = {
  ffmpeg: () => program('ffmpeg')() && program('ffprobe')(),
  chromium: program('chromium'),
  nginx: program('nginx'),
  'libnginx-mod-rtmp': anyFile(
    '/usr/lib/nginx/modules/ngx_rtmp_module.so',
    '/usr/share/nginx/modules/ngx_rtmp_module.so',
  ),
  openssl: program('openssl'),
  kamailio: program('kamailio'),
  'sip-tester': program('sipp'),
  'baresip-core': program('baresip'),
  'baresip-ffmpeg': anyFile('/usr/lib/baresip/modules/avcodec.so'),
  iproute2: program('ip'),
  nftables: program('nft'),
  'gstreamer1.0-tools': program('gst-launch-1.0'),
  'gstreamer1.0-plugins-base': gstreamerPlugin('videotestsrc'),
  'gstreamer1.0-plugins-good': gstreamerPlugin('rtp'),
  'gstreamer1.0-plugins-bad': gstreamerPlugin('srtp'),
  'gstreamer1.0-plugins-ugly': gstreamerPlugin('x264'),
  'gstreamer1.0-libav': gstreamerPlugin('libav'),
}
const needs = {
  demo: ['ffmpeg'],
  test: [
    'ffmpeg',
    'chromium',
    'nginx',
    'libnginx-mod-rtmp',
    'openssl',
    'kamailio',
    'sip-tester',
    'baresip-core',
    'baresip-ffmpeg',
    'iproute2',
    'nftables',
    'gstreamer1.0-tools',
    'gstreamer1.0-plugins-base',
    'gstreamer1.0-plugins-good',
    'gstreamer1.0-plugins-bad',
    'gstreamer1.0-plugins-ugly',
    'gstreamer1.0-libav',
  ],
}

const isDebian = () => {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

const aptGet = (...args) => {
  const options = {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  return spawnSync('apt-get', args, options).status === 0
}

const install = names =>
  aptGet('update', '-q') && aptGet('install', '-q', '-y', '--no-install-recommends', ...names)

const command = names => `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`

/** The packages of `names` that are still missing. */
const missingOf = names => names.filter(name => !packages[name]())

const setup = purpose => {
  const wanted = needs[purpose]
  if (wanted === undefined) return `usage: node bin/setup.js ${Object.keys(needs).join('|')}`
  const missing = missingOf(wanted)
  if (missing.length === 0) return undefined
  const list = missing.join(', ')
  if (!isDebian())
    return `Missing: ${list}. Install the packages of these names (Debian's) with your system's tool.`
  if (process.getuid?.() !== 0)
    return `Missing: ${list}. Run this, then try again:\n  sudo sh -c '${command(missing)}'`
  process.stdout.write(`Installing ${list} with apt-get\n`)
  if (!install(missing))
    return `apt-get could not install ${list}; see its output above. The command was:\n  ${command(missing)}`
  const still = missingOf(missing)
  return still.length === 0 ? undefined : `Still missing after apt-get: ${still.join(', ')}`
}

const problem = setup(process.argv[2])
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
