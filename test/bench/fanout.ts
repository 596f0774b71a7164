/** The WebRTC send path: one stream to N viewers through FanOut, as the adapter drives it, over loopback. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { SrtpProfile } from '../../src/native/types.ts'
import { type Bench, countOption, type Row } from './bench.ts'

const PROFILES: readonly SrtpProfile[] = ['AEAD_AES_128_GCM', 'AES_CM_128_HMAC_SHA1_80']

const measure = async (profile: SrtpProfile, viewers: number, seconds: number): Promise<Row> => {
  const child = fork(join(import.meta.dirname, 'fanout-sender-child.ts'), [
    profile,
    `${viewers}`,
    `${seconds}`,
  ])
  const exited = once(child, 'exit')
  const [row] = await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => {
      throw new Error(`the sender ended early with code ${code}`)
    }),
  ])
  await exited
  return row as Row
}

export const bench: Bench = async options => {
  const viewers = countOption(options, 'viewers', 200)
  const seconds = countOption(options, 'seconds', 2)
  const rows: Row[] = []
  for (const profile of PROFILES) rows.push(await measure(profile, viewers, seconds))
  return rows
}
