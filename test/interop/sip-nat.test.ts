/**
 * Telephones and gateways behind a router that masquerades, in network namespaces of the test's own: what they say of
 * their address can be reached by nobody outside, and their packets come from ports that nobody was told.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Namespaces, namespacesMissing } from '../helpers/namespaces.ts'
import { type Program, stopPrograms, until } from '../helpers/program.ts'
import { runFfmpeg } from '../helpers/sound.ts'
import { toneShare } from '../helpers/tone-share.ts'

const missing = namespacesMissing()
if (missing !== undefined) process.stderr.write(`sip-nat: left out: ${missing}\n`)

/** Looks global, so that nothing is taken for a private network; it is only seen in here. */
const GATEWAY = '11.22.33.10'
const ROUTER = '11.22.33.1'
const STRANGER = '11.22.33.66'
const PHONE = '192.168.77.2'
const PORTS = [30_000, 30_007] as const
const crosspoint = join(import.meta.dirname, '../../bin/crosspoint.js')

const folder = mkdtempSync(join(tmpdir(), 'sip-nat-'))
const network = new Namespaces()
let gateway: Program

const config = `
http: { listen: '127.0.0.1:8080' }
rtmp: { listen: '127.0.0.1:1935' }
webrtc: { listen: '127.0.0.1:8189' }
sip:
  listen: { host: ${GATEWAY}, port: 5060 }
  ports: { min: ${PORTS[0]}, max: ${PORTS[1]} }
  routes:
    - { called: talk, from: ${ROUTER}, publish: calls/talk, hear: live/cam }
`

/** A telephone at `address` that says a tone; what it hears lies in its folder once it has ended. */
const startPhone = (
  name: string,
  where: string,
  address: string,
  account: string,
  target: string,
): Program => {
  const own = join(folder, name)
  mkdirSync(own)
  const modules = ['g711', 'aufile', 'aubridge', 'sndfile'].map(module => `module ${module}.so`)
  const lines = [
    ...['poll_method epoll', `sip_listen ${address}:5066`, 'net_interface router'],
    ...[`audio_source aufile,${join(folder, 'tone.wav')}`, 'audio_player aubridge,none'],
    ...['ausrc_srate 8000', 'auplay_srate 8000', 'ausrc_channels 1', 'auplay_channels 1'],
    ...['module_path /usr/lib/baresip/modules', ...modules, 'module_app account.so', 'module_app menu.so'],
    `snd_path ${own}`,
  ]
  writeFileSync(join(own, 'config'), lines.join('\n'))
  writeFileSync(join(own, 'accounts'), `<sip:${name}@${address}>;regint=0;audio_codecs=pcmu${account}\n`)
  return network.start(where, 'baresip', ['-s', '-f', own, '-e', `/dial ${target}`])
}

const heardBy = (name: string): string => {
  const file = readdirSync(join(folder, name)).find(each => each.endsWith('-dec.wav'))
  return join(folder, name, file ?? 'nothing')
}

/** What the gateway's API answers in its own namespace. */
const api = async (path: string, method = 'GET', where = 'world'): Promise<string> => {
  const script = `fetch('http://127.0.0.1:8080${path}',{method:'${method}'}).then(r=>r.text()).then(t=>console.log(t),()=>console.log('{}'))`
  return network.run(where, process.execPath, ['-e', script])
}

interface ShownCall {
  readonly id: string
  readonly state: string
  readonly hold: string
  readonly media: readonly {
    readonly latch: string
    readonly remote?: string
    readonly received: { readonly packets: number; readonly dropped: Record<string, number> }
    readonly sent: { readonly packets: number }
  }[]
}
const call = async (where = 'world'): Promise<ShownCall | undefined> =>
  (JSON.parse(await api('/v1/calls', 'GET', where)) as { calls?: ShownCall[] }).calls?.[0]

/** Of a tone of 1 in a wave file: the share of all sound, 0 to 1. */
const shareOf = async (path: string, hertz: number): Promise<number> => {
  const pcm = await runFfmpeg(['-i', path, '-f', 's16le', '-ac', '1', '-ar', '8000', '-'])
  return toneShare(new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length >> 1), 8000, hertz)
}

beforeAll(async () => {
  if (missing !== undefined) return
  for (const name of ['world', 'router', 'home']) await network.add(name)
  await network.join('world', `${GATEWAY}/24`, 'router', `${ROUTER}/24`)
  await network.addAddress('world', 'router', `${STRANGER}/24`)
  await network.join('router', '192.168.77.1/24', 'home', `${PHONE}/24`)
  await network.route('home', '192.168.77.1')
  await network.masquerade('router', 'world')

  writeFileSync(join(folder, 'gateway.yaml'), config)
  const tone = ['-f', 'lavfi', '-i', 'sine=frequency=1000:duration=60:sample_rate=8000,volume=3', '-ac', '1']
  await runFfmpeg([...tone, join(folder, 'tone.wav')])
  gateway = network.start('world', process.execPath, [
    crosspoint,
    'serve',
    '--config',
    join(folder, 'gateway.yaml'),
  ])
  await until(
    () => `the gateway listens: ${gateway.output()}`,
    () => gateway.output().includes('sip on udp'),
  )
  const source = 'sine=frequency=440:sample_rate=44100,volume=3'
  network.start('world', 'ffmpeg', [
    ...['-v', 'error', '-re', '-f', 'lavfi', '-i', source, '-c:a', 'aac'],
    ...['-f', 'flv', 'rtmp://127.0.0.1:1935/live/cam'],
  ])
  await until('live/cam', async () => (await api('/v1/streams')).includes('live/cam'))
})
afterAll(async () => {
  await stopPrograms()
  await network.close()
  rmSync(folder, { recursive: true })
})

test.skipIf(missing !== undefined)(
  'a phone behind NAT: heard and hears, held and resumed; a stranger gets nothing',
  async () => {
    const stranger = network.start('world', process.execPath, [
      join(import.meta.dirname, '../helpers/sprayer-child.ts'),
      ...[STRANGER, GATEWAY, ...PORTS].map(String),
    ])
    const phone = startPhone('phone', 'home', PHONE, '', `sip:talk@${GATEWAY}`)
    let now: ShownCall | undefined
    const said = (): string =>
      `${JSON.stringify(now)}\n${phone.output().slice(-2000)}\n${gateway.output().slice(-2000)}`
    await until(said, async () => {
      now = await call()
      return now?.media[0]?.latch === 'locked'
    })
    expect(phone.output()).toContain(`c=IN IP4 ${PHONE}`)
    expect(now!.media[0]!.remote).toMatch(new RegExp(`^${ROUTER.replaceAll('.', '\\.')}:\\d+$`))

    // What it says is published.
    const published = join(folder, 'published.wav')
    await network.run('world', 'ffmpeg', [
      ...['-v', 'error', '-y', '-i', 'rtmp://127.0.0.1:1935/calls/talk', '-t', '2', published],
    ])
    expect(await shareOf(published, 1000)).toBeGreaterThan(0.9)

    // Requests of ours reach it through the router, though its Contact is private.
    expect(await api(`/v1/calls/${now!.id}/hold`, 'POST')).not.toContain('error')
    await until(said, async () => {
      now = await call()
      return now?.hold === 'by-us'
    })
    await api(`/v1/calls/${now!.id}/unhold`, 'POST')
    await until(said, async () => {
      now = await call()
      return now?.hold === 'none'
    })
    const before = now!.media[0]!.received.packets
    await until(said, async () => {
      now = await call()
      return now!.media[0]!.received.packets > before + 25
    })
    expect(now!.media[0]!.latch).toBe('locked')
    expect(now!.media[0]!.received.dropped.strangers).toBeGreaterThan(100)

    await stranger.stop()
    expect(stranger.output()).toMatch(/sent \d{3,} got 0\n/)
    await phone.stop()
    await until('it has ended', async () => (await call())?.state === 'ended')

    // It heard the stream, and no packet of the stranger's.
    expect(await shareOf(heardBy('phone'), 440)).toBeGreaterThan(0.8)
  },
)

const innerConfig = `
http: { listen: '127.0.0.1:8080' }
rtmp: { listen: '127.0.0.1:1935' }
webrtc: { listen: '127.0.0.1:8189' }
sip:
  listen: { host: ${PHONE}, port: 5060 }
  accounts:
    pbx: { uri: 'sip:inner@${GATEWAY}:5062', password: secret-inner }
  routes:
    - { called: inner, account: pbx, hear: live/cam }
`

test.skipIf(missing !== undefined)(
  'a gateway behind NAT, registered at a PBX outside: it is called there, and heard',
  async () => {
    writeFileSync(join(folder, 'inner.yaml'), innerConfig)
    const pbx = network.start('world', '/usr/sbin/kamailio', [
      ...['-DD', '-E', '-f', join(import.meta.dirname, '../fixtures/sip/kamailio.cfg'), '-Y', folder],
      ...['-P', join(folder, 'pid'), '-m', '16', '-M', '4', '-l', `udp:${GATEWAY}:5062`],
    ])
    const inner = network.start('home', process.execPath, [
      ...[crosspoint, 'serve', '--config', join(folder, 'inner.yaml')],
    ])
    const said = (): string => `${inner.output().slice(-2000)}\n${pbx.output().slice(-1000)}`
    await until(said, async () => (await api('/v1/accounts', 'GET', 'home')).includes('"registered"'))
    network.start('home', 'ffmpeg', [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100,volume=3'],
      ...['-c:a', 'aac', '-f', 'flv', 'rtmp://127.0.0.1:1935/live/cam'],
    ])
    await until('live/cam', async () => (await api('/v1/streams', 'GET', 'home')).includes('live/cam'))

    const account = `;auth_pass=secret-caller;outbound="sip:${GATEWAY}:5062"`
    const phone = startPhone('caller', 'world', STRANGER, account, `sip:inner@${GATEWAY}:5062`)
    await until(
      () => `${phone.output().slice(-3000)}\n${said()}`,
      async () => ((await call('home'))?.media[0]?.sent.packets ?? 0) > 100,
    )
    await phone.stop()
    await until('it has ended', async () => (await call('home'))?.state === 'ended')
    expect(await shareOf(heardBy('caller'), 440)).toBeGreaterThan(0.8)
    await inner.stop()
    expect(inner.output()).not.toContain('secret-inner')
  },
)
