/** A gateway that is quick to try again, a live stream to it, and destinations that behave as scripted. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Bridge } from '../../src/bridges/bridge.ts'
import type { LegInfo } from '../../src/bridges/leg-info.ts'
import type { ConfigInput } from '../../src/config/config.ts'
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway.ts'
import { publishTestSource } from './crosspoint.ts'
import { type Program, startProgram, until } from './program.ts'
import { type Behaviour, gapsOf, type ScriptedSink, startScriptedSink, timesOf } from './scripted-sink.ts'

/** A tenth of the usual times, so that the table is walked in seconds. */
export const quick: ConfigInput['restream'] = {
  retry: { firstMs: 100, maxMs: 1_600, refusedFirstMs: 3_000, dwellMs: 1_000, settleMs: 300, hangUps: 3 },
  stallMs: 2_000,
}

/** A further gateway like that of the bench. */
export const startQuickGateway = (more: ConfigInput = {}, options: GatewayOptions = {}): Promise<Gateway> =>
  createGateway(
    {
      http: { listen: { port: 0 } },
      rtmp: { listen: { port: 0 } },
      webrtc: { listen: { host: '127.0.0.1', port: 0 } },
      log: { level: 'silent' },
      restream: quick,
      ...more,
    } as ConfigInput,
    options,
  )

export class RestreamBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'restream-'))
  readonly #programs: Program[] = []
  readonly #sinks: ScriptedSink[] = []
  #gateway: Gateway | undefined

  get gateway(): Gateway {
    return this.#gateway!
  }

  /** Starts the gateway, in place of the one before. */
  async start(more: ConfigInput = {}, options: GatewayOptions = {}): Promise<void> {
    await this.#gateway?.close({ code: 'shutdown' })
    this.#gateway = await startQuickGateway(more, options)
  }

  /** Ends all that was started since it was called last. */
  async stop(): Promise<void> {
    await this.#gateway?.close({ code: 'shutdown' })
    const [sinks, programs] = [this.#sinks.splice(0), this.#programs.splice(0)]
    await Promise.all([...sinks.map(sink => sink.close()), ...programs.map(program => program.stop())])
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  async sink(script: (n: number) => Behaviour = () => 'take'): Promise<ScriptedSink> {
    const made = await startScriptedSink(script)
    this.#sinks.push(made)
    return made
  }

  own(program: Program): Program {
    this.#programs.push(program)
    return program
  }

  /** Picture and sound as live/cam. */
  async publish(): Promise<Program> {
    const program = this.own(publishTestSource({ url: this.#door() }))
    await this.#isReady()
    return program
  }

  /** As live/cam, with so many pictures from key frame to key frame. */
  async publishVideoOnly(gop = 30): Promise<void> {
    this.own(
      startProgram('ffmpeg', [
        ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30'],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
        ...['-g', String(gop), '-keyint_min', String(gop), '-sc_threshold', '0', '-b:v', '800k', '-an'],
        ...['-f', 'flv', this.#door()],
      ]),
    )
    await this.#isReady()
  }

  restream(...to: string[]): Promise<Bridge> {
    const resolveFile = (name: string): string => join(this.folder, name)
    return this.gateway.bridges.open({ from: 'stream:live/cam', to, resolveFile })
  }

  #door(): string {
    return `rtmp://127.0.0.1:${this.gateway.doors.get('rtmp')!.port}/live/cam`
  }

  #isReady(): Promise<void> {
    return until('live/cam is ready', () => this.gateway.registry.find('live/cam')?.state === 'ready')
  }
}

export const legOf = (bridge: Bridge, i = 0): LegInfo => bridge.info().legs[i]!

export const inState = (bridge: Bridge, state: LegInfo['state'], i = 0): Promise<void> =>
  until(
    () => `leg ${i} is ${state}: ${legOf(bridge, i).state}, ${legOf(bridge, i).error?.message}`,
    () => legOf(bridge, i).state === state,
  )

/** One connection, one picture in 33 ms without a hole, never back. */
export const expectUnbroken = ({ connections }: ScriptedSink): void => {
  expect(connections).toHaveLength(1)
  const { longest, shortest } = gapsOf(timesOf(connections[0]!, 9))
  expect(longest).toBeLessThanOrEqual(40)
  expect(shortest).toBeGreaterThanOrEqual(0)
}
