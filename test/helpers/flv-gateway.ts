/** The FLV adapter with a registry and the gateway's HTTP server around it. */
import { pathToFileURL } from 'node:url'
import { flv } from '../../src/adapters/flv/adapter.ts'
import { type FlvConfig, flvConfig } from '../../src/adapters/flv/config.ts'
import type { Closable, Publication, Subscription } from '../../src/core/types.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { createTestContext, type TestContext } from './adapter-context.ts'

export interface FlvGateway {
  readonly context: TestContext
  /** "http://127.0.0.1:PORT" */
  readonly origin: string
  /** Publishes what the URL gives under `stream`, and unpublishes at its end. */
  pull(url: string | URL, stream: string): Promise<{ publication: Publication; source: Closable }>
  /** Records `stream` into a new file. */
  record(stream: string, path: string): Promise<Subscription>
  close(): Promise<void>
}

export interface FlvGatewayOptions {
  readonly config?: Partial<FlvConfig>
  readonly origins?: readonly string[]
  readonly authorize?: Parameters<typeof createTestContext>[0]
}

export const fileUrl = (path: string, query = ''): URL => new URL(`${pathToFileURL(path).href}${query}`)

export const startFlvGateway = async (options: FlvGatewayOptions = {}): Promise<FlvGateway> => {
  const base = createTestContext(options.authorize)
  const listen = { host: '127.0.0.1', port: 0 }
  const server = createHttpServer(
    { listen, hosts: [], origins: [...(options.origins ?? [])] },
    base.scope,
    base.log,
  )
  const context: TestContext = { ...base, http: server.mount }
  const config = flvConfig.parse(options.config ?? {})
  await flv.listen!(context, config)
  const { port } = await server.listen()
  return {
    context,
    origin: `http://127.0.0.1:${port}`,
    async pull(url, stream) {
      const publication = context.registry.publish(stream, { label: String(url), onConflict: 'reject' })
      try {
        const source = await flv.pull!(context, config, new URL(url), publication)
        void source.closed.then(reason => publication.close(reason))
        return { publication, source }
      } catch (error) {
        await publication.close()
        throw error
      }
    },
    async record(stream, path) {
      const egress = await flv.push!(context, config, fileUrl(path))
      return context.registry.subscribe(stream, egress, { start: 'last-gop', waitMs: 5_000 })
    },
    close: () => base.close(),
  }
}
