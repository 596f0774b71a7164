/** From the start of the process to its first answer, and what it takes when idle; nginx-rtmp beside it. */

import { crosspoint } from '../helpers/crosspoint.ts'
import { freePort, until } from '../helpers/program.ts'
import { type Bench, countOption, type Row } from './bench.ts'
import { createHistogram } from './parts/histogram.ts'
import { type BenchServer, pause, residentBytes, startNginx } from './parts/servers.ts'

/** Memory is looked at when nothing of the start goes on any more. */
const idleMs = 1_500

interface Started {
  readonly readyMs: number
  readonly pid: number
  stop(): Promise<unknown>
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    response => response.ok,
    () => false,
  )

/** Ready means: GET /healthz says so. */
const startOurs = async (): Promise<Started> => {
  const [http, rtmp, webrtc] = [await freePort(), await freePort(), await freePort()]
  const doors = Object.entries({ http, rtmp, webrtc }).flatMap(([name, port]) => [
    `--${name}`,
    `127.0.0.1:${port}`,
  ])
  const start = performance.now()
  const program = crosspoint(['serve', ...doors])
  await until(
    () => `the gateway is ready: ${program.output()}`,
    () => answers(`http://127.0.0.1:${http}/healthz`),
  )
  return { readyMs: performance.now() - start, pid: program.child.pid!, stop: () => program.stop() }
}

/** Ready means: its port takes connections. */
const startTheirs = async (): Promise<Started> => {
  const start = performance.now()
  const { pid, stop }: BenchServer = await startNginx()
  return { readyMs: performance.now() - start, pid, stop }
}

const measure = async (server: string, begin: () => Promise<Started>, times: number): Promise<Row> => {
  const ready = createHistogram()
  let firstMs = 0
  let rssBytes = 0
  for (let index = 0; index <= times; index++) {
    const started = await begin()
    if (index === 0) firstMs = started.readyMs
    else ready.add(started.readyMs)
    if (index === times) {
      await pause(idleMs)
      rssBytes = await residentBytes(started.pid)
    }
    await started.stop()
  }
  return {
    name: 'start',
    server,
    times,
    firstMs,
    readyMedianMs: ready.quantile(0.5),
    readyMaxMs: ready.quantile(1),
    idleRssBytes: rssBytes,
  }
}

export const bench: Bench = async options => {
  const times = countOption(options, 'times', 5)
  return [await measure('nginx-rtmp', startTheirs, times), await measure('crosspoint', startOurs, times)]
}
