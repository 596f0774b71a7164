/** A registry, an HTTP server and the WebRTC adapter on free ports: as much gateway as WebRTC tests need. */

import type { AdapterContext, Logger } from '../../src/adapters/adapter.ts'
import { webrtc } from '../../src/adapters/webrtc/adapter.ts'
import { sections } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createRegistry, type RegistryOptions } from '../../src/core/registry.ts'
import { createScope } from '../../src/core/scope.ts'
import type { Clock, Registry } from '../../src/core/types.ts'
import { createHttpServer } from '../../src/http/server.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** Keeps what is logged, for tests that look at it. */
export const recordingLogger = (lines: LogLine[]): Logger => {
  const write =
    (level: LogLine['level']) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message })
  const logger: Logger = {
    child: () => logger,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  return logger
}

export interface WebRtcGatewayOptions {
  readonly config?: Record<string, unknown>
  readonly registry?: RegistryOptions
  readonly authorize?: AdapterContext['authorize']
  readonly clock?: Clock
  /** HTML served at /test. */
  readonly page?: string
}

export interface WebRtcGateway extends AsyncDisposable {
  readonly registry: Registry
  /** http://127.0.0.1:port */
  readonly origin: string
  readonly udpPort: number
  readonly log: LogLine[]
}

export const startWebRtcGateway = async (options: WebRtcGatewayOptions = {}): Promise<WebRtcGateway> => {
  const lines: LogLine[] = []
  const log = recordingLogger(lines)
  const scope = createScope('test')
  const clock = options.clock ?? systemClock
  const registry = createRegistry({ clock, ...options.registry, freeze: true })
  const http = createHttpServer(sections.http.parse({ listen: { port: 0 } }), scope, log)
  const config = webrtc.config.parse({ listen: { port: 0 }, ...options.config })
  const context: AdapterContext = {
    registry,
    scope,
    clock,
    log,
    http: http.mount,
    authorize: options.authorize ?? (async () => {}),
  }
  const door = await webrtc.listen!(context, config)
  http.mount.route('GET', '/test', async () => {
    return new Response(options.page ?? '', { headers: { 'content-type': 'text/html' } })
  })
  const { port } = await http.listen()
  return {
    registry,
    origin: `http://127.0.0.1:${port}`,
    udpPort: door!.port,
    log: lines,
    async [Symbol.asyncDispose]() {
      await registry.close({ code: 'shutdown' })
      await scope.close({ code: 'shutdown' })
    },
  }
}
