import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('the bench prints one JSON object a row, and what it sent has arrived', () => {
  const run = join(import.meta.dirname, 'run.ts')
  const output = execFileSync(process.execPath, [run, 'fanout', '--viewers', '5', '--seconds', '1', '--json'])
  const rows = output
    .toString()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
  expect(rows.map(row => row.profile)).toEqual(['AEAD_AES_128_GCM', 'AES_CM_128_HMAC_SHA1_80'])
  for (const row of rows) {
    expect(row).toMatchObject({ name: 'fanout', viewers: 5, refusedByKernel: 0 })
    expect(row.packetsPerCpuSecond).toBeGreaterThan(50_000)
    expect(row.cpuMicrosPerPacket).toBeGreaterThan(0)
    expect(row.rssBytesPerViewer).toBeGreaterThan(0)
    expect(row.receivedShare).toBeGreaterThan(0.5)
  }
})
