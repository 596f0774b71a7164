/** A transport stream in plain UDP: who may send it, and when it is over. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PulledSource } from '../../../src/adapters/adapter.ts'
import { rtp } from '../../../src/adapters/rtp/adapter.ts'
import type { Closable, Publication } from '../../../src/core/types.ts'
import { joinAnnexB } from '../../../src/media/nal.ts'
import type { H264Parameters } from '../../../src/media/types.ts'
import { createTestContext, type TestContext } from '../../helpers/adapter-context.ts'
import { h264Frames } from '../../helpers/media-fixtures.ts'
import { until } from '../../helpers/program.ts'
import { freePairs } from '../../helpers/rtp-gateway.ts'
import { TsMuxer } from '../../helpers/ts.ts'

const frames = h264Frames('h264-baseline')

/** A sender on an address of its own, with a picture every call. */
class Sender {
  readonly #socket: Socket = createSocket('udp4')
  readonly #mux = new TsMuxer()
  readonly #port: number
  #next = 0

  constructor(port: number) {
    this.#port = port
  }
  async bind(host: string): Promise<this> {
    this.#socket.bind(0, host)
    await once(this.#socket, 'listening')
    return this
  }
  /** `skip`: so many datagrams of each picture are lost on their way. */
  send(count = 1, skip = 0): void {
    for (let i = 0; i < count; i++) {
      const { params, units } = frames[0]!
      const { sps, pps } = params as H264Parameters
      const data = joinAnnexB([sps!, ...pps, ...units])
      const pes = this.#mux.pes(0x100, data, { pts: this.#next++ * 3600, bounded: true })
      const bytes = Buffer.concat([this.#mux.tables([{ pid: 0x100, type: 0x1b }]), pes])
      for (let at = skip * 1316; at < bytes.length; at += 1316)
        this.#socket.send(bytes.subarray(at, at + 1316), this.#port, '127.0.0.1')
    }
  }
  close(): void {
    this.#socket.close()
  }
}

let context: TestContext
let source: PulledSource
let port = 0
let pictures = 0
const senders: Sender[] = []
beforeEach(async () => {
  context = createTestContext()
  port = await freePairs(1)
})
afterEach(async () => {
  for (const sender of senders.splice(0)) sender.close()
  await source.close()
  await context.close()
})

const open = async (options = ''): Promise<void> => {
  const registered = context.registry.publish('live/ts', { label: 'test', onConflict: 'reject' })
  pictures = 0
  const publication: Publication = {
    ...{ stream: registered.stream, signal: registered.signal, closed: registered.closed },
    ready: () => registered.ready(),
    close: reason => registered.close(reason),
    [Symbol.asyncDispose]: () => registered.close(),
    addTrack(spec) {
      const writer = registered.addTrack(spec)
      return {
        write: unit => {
          pictures++
          return writer.write(unit)
        },
        drained: () => writer.drained(),
        setParams: params => writer.setParams(params),
        clock: writer.clock,
        get demand() {
          return writer.demand
        },
      }
    },
  }
  const url = new URL(`udp://127.0.0.1:${port}${options}`)
  source = await rtp.pull!(context, rtp.config.parse({}), url, publication)
}
const sender = async (host = '127.0.0.1'): Promise<Sender> => {
  const made = await new Sender(port).bind(host)
  senders.push(made)
  return made
}
const said = (text: string): boolean => context.logged.some(line => line.includes(text))

test('the first that sends is the source; another is named and left out while that one sends', async () => {
  await open()
  const first = await sender()
  first.send(3)
  await until('three pictures', () => pictures === 3)
  expect(context.registry.find('live/ts')!.tracks[0]!.params).toMatchObject({ codec: 'h264' })
  const other = await sender()
  other.send(2)
  await until('the stranger is told', () => said('of others than the source'))
  first.send(1)
  await until('the fourth', () => pictures >= 4)
  expect(pictures).toBe(4)
})

test('only whom allow names', async () => {
  await open('?allow=127.0.0.2')
  ;(await sender('127.0.0.1')).send(2)
  await until('the stranger is told', () => said('of others than the source'))
  ;(await sender('127.0.0.2')).send(2)
  await until('two pictures', () => pictures === 2)
})

test('silence ends it', async () => {
  await open('?timeout=0.2')
  const only = await sender()
  only.send(2)
  await until('two pictures', () => pictures === 2)
  expect((await source.closed).detail).toContain('nothing came for 0.2 s')
})

test('what is lost is counted and told', async () => {
  await open()
  const only = await sender()
  only.send(2)
  await until('two pictures', () => pictures === 2)
  expect(source.link?.()).toMatchObject({ lost: 0 })
  only.send(1, 1)
  await until('the loss', () => (source.link?.()?.lost ?? 0) > 0)
  expect(said('transport packets lost')).toBe(true)
})

test('unknown options are refused, and a port that is taken', async () => {
  await open()
  const publication = context.registry.publish('live/other', { label: 'test', onConflict: 'reject' })
  const pull = (text: string): Promise<Closable> =>
    rtp.pull!(context, rtp.config.parse({}), new URL(text), publication)
  await expect(pull('udp://127.0.0.1:9?colour=red')).rejects.toThrow('no option colour')
  await expect(pull('udp://127.0.0.1:9/x')).rejects.toThrow('no path /x')
  await expect(pull('udp://127.0.0.1')).rejects.toThrow('needs a port')
  await expect(pull(`udp://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'port-in-use' })
})
