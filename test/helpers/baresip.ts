/** A real telephone: baresip that plays a tone, keeps what it hears, and does what it is told over its control port. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Program, startProgram, until } from './program.ts'
import { runFfmpeg } from './sound.ts'

export interface PhoneOptions {
  /** Hertz of what it says. Default 700. */
  readonly tone?: number
  /** Best first. Default PCMU. */
  readonly codecs?: readonly ('pcmu' | 'pcma' | 'g722' | 'opus')[]
  /** It answers by itself. */
  readonly answers?: boolean
  /** Further lines of its account: `mediaenc=srtp-mand`. */
  readonly account?: string
  readonly password?: string
  /** `HOST:PORT` where it is registered and sends everything. */
  readonly registrar?: string
  readonly transport?: 'udp' | 'tcp' | 'tls'
  /** PEM file of who vouches for the other end of TLS. */
  readonly authority?: string
  /** A film that it shows, in H.264; it also takes pictures then. */
  readonly film?: string
}

/** What baresip tells, as it names it: CALL_ESTABLISHED. */
export interface PhoneEvent {
  readonly type: string
  readonly param: string
}

export interface Phone {
  readonly uri: string
  readonly events: readonly PhoneEvent[]
  dial(uri: string): void
  /** Any long command of its menu: hangup, accept, transfer. */
  command(name: string, params?: string): void
  hold(): void
  resume(): void
  /** One key after the other. */
  press(keys: string): Promise<void>
  until(type: string, count?: number): Promise<void>
  /** Keeps what it shows of the other end at this moment as a PNG file. */
  seen(path: string): Promise<void>
  /** What it has heard of its last call up to its first hold, 16 bits, once it has been stopped. */
  heard(): { readonly rate: number; readonly samples: Float32Array }
  readonly program: Program
  stop(): Promise<void>
}

const RATES = { pcmu: 8000, pcma: 8000, g722: 16_000, opus: 48_000 } as const
/** As its account wants them. */
const NAMES = { pcmu: 'pcmu', pcma: 'pcma', g722: 'g722/16000', opus: 'opus/48000/2' } as const

const modules = '/usr/lib/baresip/modules'

interface Ports {
  readonly sip: number
  readonly control: number
  readonly keys: number
}

/** Modules of the package baresip-ffmpeg, and one that keeps a picture. */
const filmLines = (film: string): readonly string[] => [
  `video_source avformat,${film}`,
  ...['video_display fakevideo,nil', 'video_size 320x240', 'video_fps 15', 'video_bitrate 500000'],
  ...['avcodec', 'avformat', 'fakevideo', 'snapshot'].map(name => `module ${name}.so`),
]

const configOf = (
  folder: string,
  { sip, control, keys }: Ports,
  rate: number,
  film: string | undefined,
): string =>
  [
    'poll_method epoll',
    `sip_listen 127.0.0.1:${sip}`,
    'net_interface 127.0.0.1',
    `audio_source aufile,${join(folder, 'tone.wav')}`,
    'audio_player aubridge,none',
    `ausrc_srate ${rate}`,
    `auplay_srate ${rate}`,
    'ausrc_channels 1',
    'auplay_channels 1',
    `module_path ${modules}`,
    ...['g711', 'g722', 'opus', 'aufile', 'aubridge', 'sndfile', 'srtp', 'cons'].map(
      name => `module ${name}.so`,
    ),
    ...(film === undefined ? [] : filmLines(film)),
    ...['account', 'menu', 'ctrl_tcp'].map(name => `module_app ${name}.so`),
    `snd_path ${folder}`,
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    `cons_listen 127.0.0.1:${keys}`,
    '',
  ].join('\n')

const connectTo = async (port: number): Promise<Socket> => {
  let socket: Socket | undefined
  await until('the control port of baresip', async () => {
    const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
    const tried = connect(port, '127.0.0.1', () => resolve(tried))
    tried.once('error', () => resolve(undefined))
    socket = await promise
    return socket !== undefined
  })
  return socket!
}

/** Netstrings: `LENGTH:TEXT,`. */
const readEvents = (socket: Socket, events: PhoneEvent[]): void => {
  let waiting = Buffer.alloc(0)
  socket.on('data', chunk => {
    waiting = Buffer.concat([waiting, chunk])
    for (;;) {
      const colon = waiting.indexOf(':')
      const length = Number(waiting.subarray(0, Math.max(0, colon)).toString())
      if (colon < 0 || waiting.length < colon + 1 + length + 1) return
      const told = JSON.parse(waiting.subarray(colon + 1, colon + 1 + length).toString()) as PhoneEvent
      if (told.type !== undefined) events.push(told)
      waiting = waiting.subarray(colon + 1 + length + 1)
    }
  })
  socket.on('error', () => undefined)
}

const readWav = (path: string): { readonly rate: number; readonly samples: Float32Array } => {
  const bytes = readFileSync(path)
  const data = bytes.indexOf('data') + 8
  const pcm = new Int16Array(
    bytes.buffer.slice(bytes.byteOffset + data, bytes.byteOffset + (bytes.length & ~1)),
  )
  const channels = bytes.readUInt16LE(22)
  const first = pcm.filter((_, i) => i % channels === 0)
  return { rate: bytes.readUInt32LE(24), samples: Float32Array.from(first, value => value / 32_768) }
}

export const startPhone = async (name: string, options: PhoneOptions = {}): Promise<Phone> => {
  const { tone = 700, codecs = ['pcmu'], answers = false, account = '', transport = 'udp', film } = options
  const folder = mkdtempSync(join(tmpdir(), 'phone-'))
  // What follows its SIP port is where it listens for TLS, so that one comes last, with a free port behind it.
  const ports: Ports = { control: await freePort(), keys: await freePort(), sip: await freePort() }
  await freePort()
  const rate = RATES[codecs[0]!]
  const source = `sine=frequency=${tone}:duration=60:sample_rate=${rate},volume=3`
  const made = ['-f', 'lavfi', '-i', source, '-ac', '1', join(folder, 'tone.wav')]
  await runFfmpeg(made)
  const uri = `sip:${name}@127.0.0.1:${ports.sip};transport=${transport}`
  const { registrar } = options
  const registered =
    registrar === undefined ? ';regint=0' : `;regint=120;outbound="sip:${registrar};transport=${transport}"`
  const password = options.password === undefined ? '' : `;auth_pass=${options.password}`
  const mode = answers ? ';answermode=auto' : ''
  const pictures = film === undefined ? '' : ';video_codecs=h264'
  const names = codecs.map(codec => NAMES[codec]).join(',')
  writeFileSync(
    join(folder, 'accounts'),
    `<${uri}>${registered};audio_codecs=${names}${pictures}${password}${mode}${account}\n`,
  )
  const trust = options.authority === undefined ? '' : `sip_cafile ${options.authority}\n`
  writeFileSync(join(folder, 'config'), configOf(folder, ports, rate, film) + trust)
  const program = startProgram('baresip', ['-f', folder])
  const socket = await connectTo(ports.control)
  // Keys of its keyboard: it has no long command for them.
  const keyboard = await connectTo(ports.keys)
  keyboard.on('error', () => undefined).resume()
  const events: PhoneEvent[] = []
  readEvents(socket, events)
  const command = (long: string, params = ''): void => {
    const text = JSON.stringify({ command: long, params, token: 't' })
    socket.write(`${text.length}:${text},`)
  }
  let heard: ReturnType<Phone['heard']> | undefined
  return {
    uri,
    events,
    program,
    command,
    dial: to => command('dial', to),
    hold: () => void keyboard.write('x'),
    resume: () => void keyboard.write('X'),
    async press(keys) {
      for (const key of keys) {
        keyboard.write(key)
        await new Promise(resolve => setTimeout(resolve, 250))
      }
    },
    until: (type, count = 1) =>
      until(
        () =>
          `${type} of ${name}: ${events.map(event => event.type).join(' ')}\n${program.output().slice(-1500)}`,
        () => events.filter(event => event.type === type).length >= count,
      ),
    async seen(path) {
      command('snapshot_recv', path)
      await until(
        () => `a picture is kept: ${program.output().slice(-1500)}`,
        () => program.output().includes(`png: wrote ${path}`),
      )
    },
    heard: () => {
      if (heard === undefined) throw new Error('the phone has not been stopped')
      return heard
    },
    async stop() {
      socket.destroy()
      keyboard.destroy()
      await program.stop()
      const dumps = readdirSync(folder).filter(file => file.endsWith('-dec.wav'))
      const last = dumps.toSorted().at(-1)
      heard = last === undefined ? { rate, samples: new Float32Array(0) } : readWav(join(folder, last))
      rmSync(folder, { recursive: true })
    },
  }
}
