/** How long a new viewer waits: from the connection to the first byte of a key frame, over RTMP and HTTP-FLV. */
import type { ChildProcess } from 'node:child_process'
import { get } from 'node:http'
import { connect } from 'node:net'
import { type Bench, countOption, type Row } from './bench.ts'
import {
  APP,
  connectCommand,
  createStreamCommand,
  HANDSHAKE_BYTES,
  hello,
  helloAgain,
  KEY,
  startCommand,
} from './parts/dialogue.ts'
import { createHistogram } from './parts/histogram.ts'
import { holdsKeyMark } from './parts/marks.ts'
import { type BenchServer, endChild, pause, SERVERS, startPublisher } from './parts/servers.ts'

/** Gives up: a server without a cache lets a viewer wait for the next key frame, two seconds at most here. */
const patienceMs = 10_000

type Join = () => Promise<number>

const measured = (
  begin: (found: () => void, failed: (error: Error) => void) => () => void,
): Promise<number> =>
  new Promise((resolve, reject) => {
    const start = performance.now()
    const end = begin(
      () => {
        finish()
        resolve(performance.now() - start)
      },
      error => {
        finish()
        reject(error)
      },
    )
    const timer = setTimeout(() => reject(new Error(`no key frame within ${patienceMs} ms`)), patienceMs)
    const finish = (): void => {
      clearTimeout(timer)
      end()
    }
  })

const resultsIn = (bytes: Buffer): number => bytes.toString('latin1').split('_result').length - 1

/** A player that waits for each answer before it asks on, as players do. */
const joinRtmp =
  (port: number): Join =>
  () =>
    measured((found, failed) => {
      const requests = [connectCommand(port), createStreamCommand(), startCommand('play')]
      let received = Buffer.alloc(0)
      let asked = 0
      const ask = (): void => void socket.write(requests[asked++]!)
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(hello()))
      socket.on('error', failed)
      socket.on('data', bytes => {
        received = Buffer.concat([received, bytes])
        if (asked === 0 && received.length >= HANDSHAKE_BYTES) {
          socket.write(helloAgain())
          ask()
        }
        if (asked > 0 && asked < requests.length && resultsIn(received) === asked) ask()
        if (holdsKeyMark(received)) found()
      })
      return () => socket.destroy()
    })

const joinHttp =
  (http: string): Join =>
  () =>
    measured((found, failed) => {
      const request = get(`${http}/${APP}/${KEY}.flv`, { agent: false }, response => {
        let received = Buffer.alloc(0)
        response.on('error', () => undefined)
        response.on('data', (bytes: Buffer) => {
          received = Buffer.concat([received, bytes])
          if (holdsKeyMark(received)) found()
        })
      })
      request.on('error', failed)
      return () => request.destroy()
    })

const measure = async (server: string, protocol: string, join: Join, viewers: number): Promise<Row> => {
  const times = createHistogram()
  const first = await join()
  for (let index = 0; index < viewers; index++) {
    times.add(await join())
    // Anywhere within a group of pictures.
    await pause(37)
  }
  const [medianMs, p95Ms, maxMs] = [times.quantile(0.5), times.quantile(0.95), times.quantile(1)]
  return { name: 'join', server, protocol, viewers, firstMs: first, medianMs, p95Ms, maxMs }
}

const joinsOf = (server: BenchServer): readonly (readonly [string, Join])[] => [
  ['rtmp', joinRtmp(server.rtmpPort)],
  ...(server.http === undefined ? [] : [['http-flv', joinHttp(server.http)] as const]),
]

export const bench: Bench = async options => {
  const viewers = countOption(options, 'viewers', 50)
  const rows: Row[] = []
  for (const start of SERVERS) {
    const server = await start()
    let publisher: ChildProcess | undefined
    try {
      publisher = await startPublisher(server)
      await pause(3_000)
      for (const [protocol, join] of joinsOf(server))
        rows.push(await measure(server.name, protocol, join, viewers))
    } finally {
      await endChild(publisher)
      await server.stop()
    }
  }
  return rows
}
