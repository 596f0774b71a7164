/** A disk that is really full ends the recording on it, with a reason; the file plays, and nothing else notices. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Bridge } from '../../src/bridges/bridge.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { clip } from '../helpers/clip.ts'
import { decodeErrors, probe } from '../helpers/flv.ts'
import { until } from '../helpers/program.ts'
import { strictLog } from '../helpers/strict-log.ts'

const diskBytes = 1 << 20
const disk = mkdtempSync(join(tmpdir(), 'full-disk-'))

/** Why there is none; undefined: it is there. */
const mountDisk = (): string | undefined => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim()
  }
}
const noDisk = mountDisk()

let gateway: Gateway
const faults: string[] = []
beforeAll(async () => {
  const anywhere = { listen: '127.0.0.1:0' }
  const config = { http: anywhere, rtmp: anywhere, webrtc: anywhere, transcode: { enabled: false } }
  gateway = await createGateway(config, { log: strictLog(faults) })
})
afterAll(async () => {
  await gateway.close()
  if (noDisk === undefined) execFileSync('umount', ['-l', disk])
  rmdirSync(disk)
})

const resolveFile = (name: string): string => join(disk, name)
const record = (...to: string[]): Promise<Bridge> =>
  gateway.bridges.open({ from: 'stream:live/cam', to, resolveFile })
const unitsOf = (name: string): number => gateway.registry.find(name)?.tracks[0]?.stats?.units ?? 0

test.skipIf(noDisk !== undefined)(`a disk of ${diskBytes} bytes${noDisk ? ` (${noDisk})` : ''}`, async () => {
  const film = await clip({ seconds: 4, noise: '6M' })
  const source = await gateway.bridges.open({
    from: 'films/cam.flv?loop=true',
    to: ['stream:live/cam'],
    resolveFile: () => film,
  })
  const copy = `rtmp://127.0.0.1:${gateway.doors.get('rtmp')!.port}/live/copy`
  const bridge = await record('full.flv', copy)
  const leg = (i: number) => bridge.info().legs[i]!
  await until(
    () => `the recording ends: ${JSON.stringify(leg(0))}`,
    () => leg(0).state === 'failed',
  )
  const path = resolveFile('full.flv')
  const { error } = leg(0)
  expect(error).toMatchObject({ code: 'io-failed' })
  expect(error!.message).toMatch(/full\.flv after \d{6,7} bytes: ENOSPC: no space left on device/)
  expect(Number(/after (\d+)/.exec(error!.message)![1])).toBe(statSync(path).size)
  expect(await decodeErrors(path)).toBe('')
  expect((await probe(path)).durationS).toBeGreaterThan(0.5)

  const before = unitsOf('live/copy')
  await until('the other destination goes on', () => unitsOf('live/copy') > before + 25)
  expect(leg(1)).toMatchObject({ state: 'live', retries: 0, error: undefined })
  expect(source.info()).toMatchObject({ state: 'live' })

  rmSync(path)
  const next = await record('next.flv')
  await until('with room again there are recordings again', () => next.info().legs[0]!.bytes > 100_000)
  await next.close()
  expect(await decodeErrors(resolveFile('next.flv'))).toBe('')
  rmSync(resolveFile('next.flv'))
  expect(faults).toEqual([])
})
