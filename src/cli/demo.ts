/** `crosspoint demo`: a test picture through our own RTMP door, and the address of the page where it plays. */

import type { Address } from '../config/address.ts'
import type { ConfigInput } from '../config/config.ts'
import { mergeConfig, parseConfig } from '../config/config.ts'
import { systemClock } from '../core/clock.ts'
import { describeReason } from '../core/scope.ts'
import { GatewayError } from '../errors.ts'
import { createGateway, type Gateway } from '../gateway.ts'
import { doorUrl } from './banner.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { addFlags, doorNames, type Flags, readFlags } from './flags.ts'
import { isFree } from './free-ports.ts'
import { print, strong } from './print.ts'
import { parseSeconds } from './seconds.ts'
import { untilStopped } from './signals.ts'
import { startTestPicture } from './test-picture.ts'

export interface DemoFlags extends Flags {
  readonly size: string
  /** Seconds. */
  readonly duration?: number
}

const stream = 'live/demo'
const readyWaitUs = 20_000_000

/** Usual ports that are taken give way to free ones; an address the user chose stays. */
const avoidTaken = async (input: ConfigInput, flags: Flags): Promise<ConfigInput> => {
  const config = parseConfig(input)
  const moved: Record<string, { listen: Address }> = {}
  for (const name of doorNames) {
    const section = name === 'http' ? config.http : config.adapters.get(name)
    const { listen } = section as { listen: Address | null }
    if (listen === null || flags[name] !== undefined || (await isFree(listen))) continue
    print(`Port ${listen.port} is taken: ${name} takes a free one instead.`)
    moved[name] = { listen: { ...listen, port: 0 } }
  }
  return mergeConfig(input, moved)
}

const untilLive = (gateway: Gateway): Promise<void> =>
  new Promise((resolve, reject) => {
    const late = new GatewayError('timeout', `ffmpeg published nothing within ${readyWaitUs / 1e6} s`)
    const cancel = systemClock.after(readyWaitUs, () => reject(late))
    gateway.registry.on('stream:ready', ({ name }) => {
      if (name !== stream) return
      cancel()
      resolve()
    })
  })

const timeUp = (seconds: number | undefined): Promise<void> =>
  new Promise(resolve => {
    if (seconds !== undefined) systemClock.after(seconds * 1e6, resolve)
  })

const demo = async (flags: DemoFlags): Promise<number> => {
  const stopped = untilStopped()
  const input = await avoidTaken(await readFlags({ logLevel: 'warn', ...flags }), flags)
  await using gateway = await createGateway(input)
  const rtmp = doorUrl(gateway, 'rtmp')
  if (rtmp === undefined)
    throw new GatewayError('bad-config', 'the demo publishes over RTMP: rtmp.listen must not be null')
  const { ffmpeg } = gateway.config.transcode
  const live = untilLive(gateway)
  await using picture = startTestPicture({ ffmpeg, url: `${rtmp}/${stream}`, size: flags.size })
  const failed = picture.closed.then(reason => {
    throw new GatewayError('dependency-missing', describeReason(reason))
  })
  const interrupted = await Promise.race([live, failed, stopped])
  if (interrupted !== undefined) return EXIT.ok
  print(`A moving test picture with a 1 kHz tone is live. Watch it here:\n`)
  print(`  ${strong(`${doorUrl(gateway, 'http')}/#/watch/${stream}`)}\n`)
  print('Ctrl-C ends it.')
  await Promise.race([failed, stopped, timeUp(flags.duration)])
  return EXIT.ok
}

export const define: Define = (command, finish) => {
  addFlags(command)
    .option('--size <WxH>', 'of the picture', '1280x720')
    .option('--duration <time>', 'stop after so long: 90, 15m, 1.5h', parseSeconds)
    .addHelpText('after', examples('demo', 'demo --size 640x360 --duration 60'))
    .action(async (flags: DemoFlags) => finish(await demo(flags)))
}
