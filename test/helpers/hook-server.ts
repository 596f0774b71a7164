/** Somebody's server for hooks: keeps what came, answers as told. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HookRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
export interface HookServer extends AsyncDisposable {
  readonly url: string
  readonly requests: HookRequest[]
  /** What the next requests are answered with. Default: 204. */
  answer: (response: ServerResponse, request: HookRequest) => void
}

export const startHookServer = async (): Promise<HookServer> => {
  const requests: HookRequest[] = []
  const hook = {
    requests,
    answer: (response: ServerResponse): void => void response.writeHead(204).end(),
  } as { requests: HookRequest[]; answer: HookServer['answer'] }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const received = { headers: request.headers, body }
      requests.push(received)
      hook.answer(response, received)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(hook, {
    url: `http://127.0.0.1:${port}/hook`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  })
}
