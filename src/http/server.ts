/** The gateway's one HTTP server: routes of the API, the page and the adapters, all behind the same guard. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { HttpMount, Listener, Logger } from '../adapters/adapter.ts'
import { formatAddress } from '../config/address.ts'
import type { SharedConfig } from '../config/schema.ts'
import { closable } from '../core/scope.ts'
import type { Scope } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { openCertificate } from '../tls/certificate.ts'
import { checkHost, checkOrigin, preflight, remoteAddress } from './guard.ts'
import { problem } from './problem.ts'
import { type HandleUpgrade, serveUpgrades } from './upgrades.ts'

type Env = { Bindings: HttpBindings }
const methods = ['GET', 'POST', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** Bodies are SDP or small JSON. */
const maxBodyBytes = 256 * 1024

export interface HttpServer {
  readonly mount: HttpMount
  /** A WebSocket at this very path. */
  upgrade(path: string, handle: HandleUpgrade): void
  /** @throws GatewayError `port-in-use` */
  listen(): Promise<Listener>
}

const createMount = (app: Hono<Env>): HttpMount => ({
  route(method, path, handle) {
    app.on(method, path, async (context: Context<Env>) => {
      let taken = false
      const response = await handle({
        request: context.req.raw,
        params: context.req.param() as Record<string, string>,
        remote: remoteAddress(context.env.incoming),
        takeOver() {
          taken = true
          return context.env.outgoing
        },
      })
      if (response !== undefined) return response
      if (taken) return RESPONSE_ALREADY_SENT
      throw new GatewayError('internal', `the route ${method} ${path} gave no response`)
    })
  },
})

/** 404, or 405 when the path is there for another method. */
const answerUnknown = (app: Hono<Env>, context: Context<Env>): Response => {
  const { path, method } = context.req
  const allowed = methods.filter(name =>
    app.router.match(name, path)[0].some(([[, route]]) => route.method === name),
  )
  if (allowed.length === 0) return problem(new GatewayError('not-found', `nothing is at ${path}`))
  const detail = `${path} takes ${allowed.join(', ')}, not ${method}`
  return problem(new GatewayError('bad-request', detail), {
    status: 405,
    headers: { allow: allowed.join(', ') },
  })
}

const createApp = (config: SharedConfig['http'], log: Logger): Hono<Env> => {
  const app = new Hono<Env>()
  app.use(async (context, next) => {
    const request = context.req.raw
    checkHost(request, config)
    const cors = checkOrigin(request, config)
    if (request.method === 'OPTIONS' && request.headers.has('access-control-request-method'))
      return preflight(cors)
    // Routes that take the response over write it themselves.
    for (const [name, value] of Object.entries(cors)) context.env.outgoing.setHeader(name, value)
    await next()
    if (context.res === RESPONSE_ALREADY_SENT) return
    for (const [name, value] of Object.entries(cors)) context.header(name, value)
    context.header('x-content-type-options', 'nosniff')
    context.header('referrer-policy', 'no-referrer')
  })
  const tooLarge = (): Response =>
    problem(new GatewayError('limit-exceeded', `a body has at most ${maxBodyBytes} bytes`))
  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: tooLarge }))
  app.notFound(context => answerUnknown(app, context))
  app.onError((thrown, context) => {
    const { incoming } = context.env
    const error = toGatewayError(thrown)
    const fields = { method: context.req.method, path: context.req.path, code: error.code, err: thrown }
    if (incoming.destroyed && !incoming.complete) log.debug(fields, 'the client left within its request')
    else if (error.code === 'internal') log.error(fields, error.message)
    return problem(error)
  })
  return app
}

const listenError = (error: NodeJS.ErrnoException, address: string): GatewayError => {
  const why = error.code === 'EADDRINUSE' ? 'it is already in use' : error.message
  return new GatewayError('port-in-use', `http ${address}: ${why}`, { cause: error })
}

const createPlainOrSecure = async (
  { tls }: SharedConfig['http'],
  listener: RequestListener,
  scope: Scope,
  log: Logger,
): Promise<Server> => {
  if (tls === undefined) return createServer(listener)
  const pair = await openCertificate(tls, scope, log, renewed => server.setSecureContext(renewed))
  const server = createSecureServer(pair, listener)
  return server
}

/** Routes may be mounted until `listen`, which resolves once the socket is open. */
export const createHttpServer = (config: SharedConfig['http'], scope: Scope, log: Logger): HttpServer => {
  const app = createApp(config, log)
  const own = scope.child('http')
  const upgrades = new Map<string, HandleUpgrade>()
  return {
    mount: createMount(app),
    upgrade: (path, handle) => void upgrades.set(path, handle),
    async listen() {
      const listener = getRequestListener(app.fetch as Parameters<typeof getRequestListener>[0])
      const server = await createPlainOrSecure(config, listener, own, log)
      const { host, port } = config.listen
      server.listen(port, host)
      await once(server, 'listening').catch((error: unknown) => {
        throw listenError(error as NodeJS.ErrnoException, formatAddress(config.listen, '*'))
      })
      own.defer(async () => {
        const closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
        await closed
      })
      serveUpgrades(server, upgrades, config, own, log)
      const { address, port: bound } = server.address() as AddressInfo
      const scheme = config.tls === undefined ? 'http' : 'https'
      return { ...closable(own), address, port: bound, scheme }
    },
  }
}
