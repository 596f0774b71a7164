/** `crosspoint bridge FROM TO…`: one source to its destinations, in this process alone. */
import { resolve } from 'node:path'
import type { PeerDescription } from '../adapters/adapter.ts'
import { readSecret } from '../adapters/secret.ts'
import { type Bridge, type BridgeInfo, endWords } from '../bridges/bridge.ts'
import type { Explanation } from '../bridges/explain.ts'
import { mergeConfig } from '../config/config.ts'
import { describePlan } from '../core/describe.ts'
import { GatewayError } from '../errors.ts'
import { createGateway, type Gateway } from '../gateway.ts'
import { explanationView, openedBridgeView } from '../http/views.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import { packageVersion } from '../observe/version.ts'
import { describeCheck } from '../restream/preflight.ts'
import { printBanner } from './banner.ts'
import { type Define, examples } from './command.ts'
import { allowDialled } from './dialled.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { addFlags, type Flags, readFlags } from './flags.ts'
import { print, printJson } from './print.ts'
import { parseSeconds } from './seconds.ts'
import { untilStopped } from './signals.ts'
import { type Ending, TimeUp } from './time-up.ts'

export interface BridgeFlags extends Flags {
  readonly explain?: boolean
  readonly retry?: boolean
  /** Seconds. */
  readonly duration?: number
  readonly json?: boolean
}

/** A publisher that is to come to our own door may take its time: 24 days. */
const doorWaitMs = 2 ** 31 - 1

const printPlans = (from: string, legs: Explanation['to']): void => {
  for (const leg of legs) {
    print(`${from} → ${leg.to}`)
    for (const line of leg.plan === undefined ? [] : describePlan(leg.plan)) print(`  ${line}`)
    for (const check of leg.preflight) print(`  ${describeCheck(check)}`)
  }
}

/** In its own file it would be complete; on a terminal it is to be read and copied. */
const describePeer = (end: string, { does, sdp, commands }: PeerDescription): string =>
  [
    `The other end of ${end} ${does === 'send' ? 'sends' : 'receives'}; ready commands:`,
    ...commands.map(({ line }) => `  ${line}`),
    ...(sdp === undefined
      ? []
      : [
          'and its description:',
          ...sdp
            .trimEnd()
            .split(/\r?\n/)
            .map(line => `  ${line}`),
        ]),
  ].join('\n')

const printResult = ({ state, reason, legs }: BridgeInfo): void => {
  for (const leg of legs) {
    const moved = leg.stats === undefined ? '' : `, ${leg.stats.units} frames or packets, ${leg.bytes} bytes`
    const dropped = leg.stats?.dropped ? `, ${leg.stats.dropped} left out` : ''
    const retries = leg.retries === 0 ? '' : `, ${leg.retries} retries`
    print(`${leg.to}: ${leg.state}${moved}${dropped}${retries}`)
  }
  print(endWords(state, reason))
}

/** The first leg that failed decides; without one, the source's end does. */
const resultCode = ({ state, reason, legs }: BridgeInfo): number => {
  const failed = legs.find(leg => leg.state === 'failed')
  if (failed === undefined && state !== 'failed') return EXIT.ok
  const why = maskUrls((failed === undefined ? reason : failed.error?.message) ?? state)
  process.stderr.write(`crosspoint: ${failed === undefined ? '' : `${failed.to}: `}${why}\n`)
  return failed?.error === undefined ? EXIT.unreachable : exitCodeOf(failed.error)
}

/** It ends by itself, or when it is asked to. */
const untilDone = async (bridge: Bridge, asked: Promise<Ending>): Promise<Ending | undefined> => {
  const ending = await Promise.race([bridge.closed.then(() => undefined), asked])
  if (ending !== undefined) void bridge.close({ code: 'unpublished', detail: ending.why })
  await bridge.closed
  return ending
}

/** @throws GatewayError that says what was not done in time, where nothing else went wrong. */
const over = (code: number, ending: Ending | undefined): number => {
  if (code === EXIT.ok && ending?.missing !== undefined) throw ending.missing
  return code
}

/** Its time runs from the first try to connect. */
const carry = async (
  gateway: Gateway,
  request: Request,
  stopped: Promise<string>,
  { duration, json }: BridgeFlags,
): Promise<number> => {
  using timeUp = new TimeUp(gateway, duration)
  const asked = Promise.race([stopped.then(signal => ({ why: `stopped ${signal}` })), timeUp.ending])
  const opened = await Promise.race([gateway.bridges.open(request), asked])
  if ('why' in opened) return over(EXIT.ok, opened)
  if (json) printJson(openedBridgeView(opened.info()))
  else printPlans(opened.info().from, opened.info().legs)
  const ending = await untilDone(opened, asked)
  const result = opened.info()
  if (json) printJson(openedBridgeView(result))
  else printResult(result)
  return over(resultCode(result), ending)
}

const explain = async (gateway: Gateway, request: Request, json: boolean): Promise<number> => {
  const explanation = await gateway.bridges.explain(request)
  if (json) printJson(explanationView(explanation))
  else printPlans(explanation.from, explanation.to)
  const refused = explanation.to.find(({ plan }) => plan?.ok === false)
  if (refused?.plan?.ok === false) throw new GatewayError(refused.plan.code, `see the plan for ${refused.to}`)
  return EXIT.ok
}

interface Request {
  readonly from: string
  readonly to: readonly string[]
  readonly waitMs?: number
  readonly retry: boolean
  readonly onPeer: (end: string, peer: PeerDescription) => void
  readonly resolveFile: (name: string) => string
  readonly resolveSecret: (text: string) => string
}

/** Whoever is to send comes when somebody has started it. */
const waitsForPeer = (from: string): boolean => /^(stream|rtp|udp|srtp):/i.test(from)

/** Our own streams are reached through our own doors, which open only then. */
const usesDoors = (urls: readonly string[]): boolean => urls.some(url => url.startsWith('stream:'))

export const bridge = async (from: string, to: readonly string[], flags: BridgeFlags): Promise<number> => {
  const stopped = untilStopped()
  const listen = usesDoors([from, ...to])
  const given = mergeConfig(await readFlags({ logLevel: 'warn', ...flags }), { bridges: [] })
  const input = allowDialled(given, [from, ...to])
  await using gateway = await createGateway(input, { listen })
  const waits = waitsForPeer(from) ? { waitMs: doorWaitMs } : {}
  const retry = flags.retry === true
  const request: Request = {
    from,
    to,
    retry,
    onPeer: (end, peer) => {
      const { secrets: _, ...told } = peer
      if (flags.json === true) printJson({ end, peer: told })
      else print(describePeer(end, peer))
    },
    resolveFile: name => resolve(name),
    resolveSecret: readSecret,
    ...waits,
  }
  if (flags.explain)
    return await Promise.race([explain(gateway, request, flags.json === true), stopped.then(() => EXIT.ok)])
  if (listen && flags.json !== true) printBanner(gateway, packageVersion())
  return await carry(gateway, request, stopped, flags)
}

const urlsHelp = `
URLs:
  rtmp://host/app/key  rtmps://…       pulled from or pushed to
  file.flv                             read in real time, or recorded
  http(s)://host/path.flv              pulled from
  sip:user@host                        called: its sound is the source, or it hears the source
  stream:NAME                          a stream of this gateway: its doors open as with "serve"
  youtube:KEY facebook:KEY twitch:KEY  pushed to, with what the service wants checked and repaired
  rtmp://host/app/key#profile=youtube  the same checks and repairs for any server; also #keyframes=2&audio=always
  rtp://HOST:PORT?video=h264&audio=opus
                                       listened on, or sent to (two ports); prints what the other end is to run
  camera.sdp                           listened on, as the session description says
  udp://HOST:PORT                      an MPEG transport stream, listened on; rtp://…?codec=mp2t where it comes in RTP

Options of rtp: as a source: video audio codec, video-pt video-port video-fmtp …, mux rtcp-port feedback srtp,
  allow peer latch timeout payload, interface source (multicast)
and as a destination: the same codecs (a list; the first is what others become), pt, port and clock, mux rtcp-port
  feedback srtp, ttl interface (multicast), pkt_size, sdp=FILE
`

export const define: Define = (command, finish) => {
  addFlags(command)
    .argument('<from>', 'URL of the source')
    .argument('<to...>', 'URLs of the destinations')
    .option('--explain', 'connect the source only, say what would be done to each track, and leave')
    .option('--retry', 'connect lost destinations again, and wait for a stream that has ended')
    .option('--duration <time>', 'stop so long after its start: 90, 15m, 1.5h', parseSeconds)
    .option('--json', 'plan and result as one JSON object a line')
    .addHelpText('after', urlsHelp)
    .addHelpText(
      'after',
      examples('bridge rtmp://source/live/cam copy.flv', 'bridge clip.flv rtmp://host/live/key --explain'),
    )
    .action(async (from: string, to: string[], flags: BridgeFlags) => finish(await bridge(from, to, flags)))
}
