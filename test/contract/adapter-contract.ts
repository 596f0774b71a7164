/** What every adapter keeps, whatever it speaks. A new protocol is run through this by being in the list. */
import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Adapter, Capability, HttpMount } from '../../src/adapters/adapter.ts'
import { GatewayError } from '../../src/errors.ts'
import type { CodecId } from '../../src/media/types.ts'
import { createTestContext, type TestContext } from '../helpers/adapter-context.ts'
import { h264, picture } from '../helpers/core-media.ts'

/** Every codec there is, checked by the compiler against the type. */
const codecs = Object.keys({
  h264: 0,
  h265: 0,
  av1: 0,
  vp8: 0,
  vp9: 0,
  opus: 0,
  aac: 0,
  pcmu: 0,
  pcma: 0,
  g722: 0,
  l16: 0,
  mp3: 0,
  'telephone-event': 0,
  'amf-data': 0,
} satisfies Record<CodecId, 0>)

/** A dead or silent far end must be told within this time. */
const boundMs = 8_000
const connectTimeoutMs = 500

type Route = readonly [method: string, path: string]
interface Context extends TestContext {
  readonly routes: Route[]
}

const createContext = (): Context => {
  const routes: Route[] = []
  const http: HttpMount = { route: (method, path) => void routes.push([method, path]) }
  return { ...createTestContext(), http, routes }
}

/** `extra` where the schema knows such keys, else the defaults. */
const configOf = <C>(adapter: Adapter<C>, extra: object): C => {
  try {
    return adapter.config.parse(extra)
  } catch {
    return adapter.config.parse({})
  }
}
const knows = (adapter: Adapter<unknown>, extra: object): boolean => {
  try {
    adapter.config.parse(extra)
    return true
  } catch {
    return false
  }
}

const openServer = async (): Promise<Server> => {
  const server = createServer(() => {})
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  return server
}
const portOf = (server: Server): number => (server.address() as { port: number }).port
const closeServer = (server: Server): Promise<void> =>
  new Promise(resolve => void server.close(() => resolve()))

const deadUrl = async (scheme: string): Promise<URL> => {
  // Nothing can lie beneath a file, so nothing can be read or made there.
  if (scheme === 'file') return new URL(`${import.meta.url}/cam.flv`)
  const server = await openServer()
  const port = portOf(server)
  await closeServer(server)
  return new URL(`${scheme}://127.0.0.1:${port}/live/cam.flv`)
}

/** Sockets, servers and the like that keep a process alive; timers of the test runner are none of ours. */
const handles = (): string[] =>
  process.getActiveResourcesInfo().filter(name => /Wrap$|FSReq/.test(name) && name !== 'PipeWrap')
const settled = async (before: readonly string[]): Promise<void> => {
  await expect.poll(() => handles().sort(), { timeout: 2000 }).toEqual([...before].sort())
}

const within = async <T>(work: Promise<T>): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`nothing was said within ${boundMs} ms`)), boundMs)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}
const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  within(work.then(() => undefined)).catch((error: unknown) => error)

const checkCapabilities = (capabilities: readonly Capability[]): void => {
  const names = capabilities.map(({ codec, form }) => `${codec} as ${form}`)
  expect(capabilities.map(({ codec }) => codec).filter(codec => !codecs.includes(codec))).toEqual([])
  expect(capabilities.map(({ form }) => form).filter(form => form !== 'frame' && form !== 'rtp')).toEqual([])
  expect(new Set(names).size, 'a codec is declared once per form').toBe(names.length)
}

const pull = async (
  adapter: Adapter<unknown>,
  context: Context,
  config: unknown,
  url: URL,
): Promise<unknown> => {
  const publication = context.registry.publish('pulled', { label: 'contract', onConflict: 'reject' })
  const closable = await adapter.pull!(context, config, url, publication)
  return closable.close()
}

/** An egress may connect when it is pushed, or when it is opened: either says so. */
const push = async (
  adapter: Adapter<unknown>,
  context: Context,
  config: unknown,
  url: URL,
): Promise<unknown> => {
  const publication = context.registry.publish('pushed', { label: 'contract', onConflict: 'reject' })
  const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
  publication.ready()
  const egress = await adapter.push!(context, config, url)
  await context.registry.subscribe('pushed', egress, { start: 'live' })
  video.write(picture(0, h264))
  const { error, code, detail } = await egress.closed
  throw error ?? new GatewayError('io-failed', `${code}: ${detail}`)
}

/** Declares the tests of one adapter. */
export const describeAdapter = (adapter: Adapter<unknown>): void => {
  describe(`adapter ${adapter.name}`, () => {
    let context: Context
    let before: string[]
    beforeEach(() => {
      context = createContext()
      before = handles()
    })
    afterEach(() => context.close())

    test('has a name for URLs, sections and metrics', () => {
      expect(adapter.name).toMatch(/^[a-z][a-z0-9-]*$/)
    })

    test('does something, and has a scheme where it dials', () => {
      expect([adapter.listen, adapter.pull, adapter.push].some(role => role !== undefined)).toBe(true)
      const dials = adapter.pull !== undefined || adapter.push !== undefined
      expect(adapter.schemes.length > 0).toBe(dials)
      for (const scheme of adapter.schemes) expect(new URL(`${scheme}://host/`).protocol).toBe(`${scheme}:`)
    })

    test('declares codecs that exist, in forms that exist, each once', () => {
      checkCapabilities(adapter.ingests)
      checkCapabilities(adapter.egresses)
      expect(adapter.ingests.length + adapter.egresses.length).toBeGreaterThan(0)
    })

    test('has a configuration that works when nothing is said, and is plain data', () => {
      const config = adapter.config.parse({})
      expect(JSON.parse(JSON.stringify(config))).toEqual(config)
    })

    test('refuses an unknown key by its name', () => {
      expect(() => adapter.config.parse({ noSuchKey: 1 })).toThrow(/noSuchKey/)
      if (knows(adapter, { listen: {} }))
        expect(() => adapter.config.parse({ listen: { noSuchKey: 1 } })).toThrow(/noSuchKey/)
    })

    test.runIf(adapter.listen !== undefined)(
      'listens on a free port, twice in a row, and leaves nothing behind',
      async () => {
        const listen = async (port: number) => {
          const scope = context.scope.child('listen')
          const config = configOf(adapter, { listen: { host: '127.0.0.1', port } })
          const door = await adapter.listen!({ ...context, scope }, config)
          return { door, scope }
        }
        const first = await listen(0)
        expect(first.door === undefined || first.door.port > 0).toBe(true)
        expect(first.door !== undefined || context.routes.length > 0, 'it has a door or mounts routes').toBe(
          true,
        )
        await first.door?.close({ code: 'shutdown' })
        await settled(before)
        if (first.door === undefined) return
        const second = await listen(first.door.port)
        expect(second.door?.port).toBe(first.door.port)
        await second.scope.close({ code: 'shutdown' })
        expect(await second.door?.closed).toEqual({ code: 'shutdown' })
        await settled(before)
      },
    )

    const dials = adapter.schemes.flatMap(scheme => [
      ...(adapter.pull !== undefined ? [{ scheme, role: 'pull', dial: pull }] : []),
      ...(adapter.push !== undefined ? [{ scheme, role: 'push', dial: push }] : []),
    ])

    test.for(dials)(
      '$role of a dead $scheme address is refused in time, with a code',
      async ({ scheme, dial }) => {
        const error = await failureOf(
          dial(adapter, context, configOf(adapter, { connectTimeoutMs }), await deadUrl(scheme)),
        )
        expect(error).toBeInstanceOf(GatewayError)
        expect((error as GatewayError).code).not.toBe('internal')
        await context.close()
        await settled(before)
      },
    )

    const silent = knows(adapter, { connectTimeoutMs }) ? dials.filter(({ scheme }) => scheme !== 'file') : []
    test.for(silent)(
      '$role of a silent $scheme address is given up in time, with a code',
      async ({ scheme, dial }) => {
        const server = await openServer()
        const sockets = new Set<{ destroy(): unknown }>()
        server.on('connection', socket => void sockets.add(socket.on('error', () => {})))
        const url = new URL(`${scheme}://127.0.0.1:${portOf(server)}/live/cam.flv`)
        const error = await failureOf(dial(adapter, context, configOf(adapter, { connectTimeoutMs }), url))
        expect(error).toBeInstanceOf(GatewayError)
        expect((error as GatewayError).code).not.toBe('internal')
        await context.close()
        for (const socket of sockets) socket.destroy()
        await closeServer(server)
        await settled(before)
      },
    )
  })
}
