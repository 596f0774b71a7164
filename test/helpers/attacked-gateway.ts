/** A gateway with its ports open on the loopback and an honest stream, for tests that attack it over HTTP. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { type HonestStream, startHonestStream } from './honest-stream.ts'
import { strictLog } from './strict-log.ts'

export interface AttackedGateway {
  readonly gateway: Gateway
  /** `live/honest` */
  readonly honest: HonestStream
  /** Of its HTTP. */
  readonly port: number
  /** What was logged as a fault of ours. */
  readonly faults: readonly string[]
  /** Where recordings go. */
  readonly folder: string
  close(): Promise<void>
}

export const openAttackedGateway = async (): Promise<AttackedGateway> => {
  const folder = mkdtempSync(join(tmpdir(), 'attacked-'))
  const faults: string[] = []
  const listen = '127.0.0.1:0'
  const gateway = await createGateway(
    { rtmp: { listen }, http: { listen }, webrtc: { listen }, recordings: { directory: folder } },
    { log: strictLog(faults) },
  )
  const honest = await startHonestStream(gateway.doors.get('rtmp')!.port)
  return {
    gateway,
    honest,
    port: gateway.doors.get('http')!.port,
    faults,
    folder,
    async close() {
      honest.close()
      await gateway.close({ code: 'shutdown' })
      rmSync(folder, { recursive: true })
    },
  }
}
