/** HTTP as bytes: says what no client would say, and looks at what comes back. */
import { connect, type Socket } from 'node:net'

export interface WireAnswer {
  /** Of the first response; undefined: there was none. */
  readonly status: number | undefined
  readonly text: string
  /** The server hung up. */
  readonly closed: boolean
}

export interface WireOptions {
  /** Waits so long for the first byte. */
  readonly patienceMs?: number
  /** Looks at all that comes until the server hangs up or patience ends, not only at the first response's head. */
  readonly toTheEnd?: boolean
  /** Called once connected, in place of one write of the bytes. */
  readonly write?: (socket: Socket) => void
}

const statusOf = (text: string): number | undefined => {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
  return status === undefined ? undefined : Number(status)
}

/** Writes the bytes and resolves with the answer, or without one when none came. Never rejects. */
export const sayHttp = (port: number, bytes: Uint8Array, options: WireOptions = {}): Promise<WireAnswer> => {
  const { patienceMs = 400, toTheEnd = false, write } = options
  return new Promise(resolve => {
    let text = ''
    const finish = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ status: statusOf(text), text, closed })
    }
    const timer = setTimeout(() => finish(false), patienceMs)
    const socket = connect(port, '127.0.0.1', () => {
      if (write === undefined) socket.write(bytes)
      else write(socket)
    })
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      if (!toTheEnd && text.includes('\r\n\r\n')) finish(false)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => finish(true))
  })
}

/** A request as text; the body's length is put in unless a header says otherwise. */
export const httpRequest = (
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = '',
): Buffer => {
  const bytes = Buffer.from(body)
  const all = {
    host: '127.0.0.1',
    ...(bytes.length > 0 && { 'content-length': String(bytes.length) }),
    ...headers,
  }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\n${head.join('')}\r\n`), bytes])
}
