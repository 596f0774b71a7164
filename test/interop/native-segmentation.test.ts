/** A path whose MTU is below the packets: the kernel refuses UDP_SEGMENT there, and nothing may be lost by that. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const unshare = ['-rn', 'sh', '-c']
const mayUnshare = spawnSync('unshare', [...unshare, 'ip link set lo mtu 1280 up']).status === 0
const source = (path: string): string => JSON.stringify(join(import.meta.dirname, '../..', path))

/** Sends 20 frames of 9 packets of 1400 bytes to a socket in the same network; prints the stats and what arrived. */
const script = `
const { loadNative } = await import(${source('src/native/index.ts')})
const { randomKeys, rtp } = await import(${source('test/helpers/srtp-pair.ts')})
const native = loadNative()
const sender = native.openUdp({ host: '127.0.0.1', port: 0 })
const viewer = native.openUdp({ host: '127.0.0.1', port: 0 })
const fanOut = native.createFanOut(sender)
const id = fanOut.add({ srtp: native.createSrtp(randomKeys('AEAD_AES_128_GCM')), to: sender.intern('127.0.0.1', viewer.port),
  ssrc: 1, payloadType: 96, sequenceOffset: 0, timestampOffset: 0, extensions: new Uint8Array() })
const pairs = Int32Array.from(Array.from({ length: 9 }, (_, index) => [id, index]).flat())
let received = 0
viewer.onBatch(batch => {
  received += batch.count
  if (received < 180) return
  console.log(JSON.stringify({ received, ...fanOut.stats() }))
  sender.close()
  viewer.close()
})
for (let frame = 0; frame < 20; frame++) {
  fanOut.send(Array.from({ length: 9 }, (_, index) => rtp(frame * 9 + index, Buffer.alloc(1400))), 9, pairs, 9)
}`

test.skipIf(!mayUnshare)('packets above the MTU leave one by one, and the socket stops asking', () => {
  const command = `ip link set lo mtu 1280 up && exec "${process.execPath}" --input-type=module -e "$SCRIPT"`
  const output = execFileSync('unshare', [...unshare, command], {
    env: { ...process.env, SCRIPT: script },
    timeout: 80_000,
  })
  expect(JSON.parse(output.toString())).toMatchObject({
    received: 180,
    sent: 180,
    refusedByKernel: 0,
    segmentation: false,
  })
})
