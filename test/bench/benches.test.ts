/** Every bench runs, and its rows hold what they promise, with room for a busy machine. */
import { expect, test } from 'vitest'
import type { Options, Row } from './bench.ts'
import { bench as calls } from './calls.ts'
import { bench as join } from './join.ts'
import { bench as latency } from './latency.ts'
import { bench as pacing } from './pacing.ts'
import { createHistogram } from './parts/histogram.ts'
import { createPicture, createSound, holdsKeyMark, PICTURE_BYTES, readStamps, stamp } from './parts/marks.ts'
import { bench as relay } from './relay.ts'
import { bench as sip } from './sip.ts'
import { bench as start } from './start.ts'

const options = (values: Readonly<Record<string, number>>): Options =>
  new Map(Object.entries(values).map(([name, value]) => [name, String(value)]))
const theirs = (rows: readonly Row[]): Row => rows.find(({ server }) => server === 'nginx-rtmp')!
const ours = (rows: readonly Row[]): readonly Row[] => rows.filter(({ server }) => server === 'crosspoint')

test.concurrent('relay: both servers carry the same to the same players', { timeout: 60_000 }, async () => {
  const rows = await relay(options({ players: 5, seconds: 2, 'warm-up': 1 }))
  expect(rows.map(({ server }) => server)).toEqual(['nginx-rtmp', 'crosspoint'])
  for (const row of rows) {
    expect(row).toMatchObject({ players: 5, letGo: 0 })
    expect(row.megabitsPerSecond).toBeGreaterThan(9)
    expect(row.megabitsPerSecond).toBeLessThan(16)
    expect(row.cpuMicrosPerMegabit).toBeGreaterThan(0)
    expect(row.deliveryP50Ms).toBeGreaterThan(0)
    expect(row.deliveryP50Ms).toBeLessThan(50)
    expect(row.soundP50Ms).toBeGreaterThan(0)
  }
  expect(ours(rows)[0]!.cpuRatioToNginx).toBeGreaterThan(0)
})

test.concurrent('latency: each picture is timed', { timeout: 60_000 }, async () => {
  const rows = await latency(options({ seconds: 2, 'warm-up': 1 }))
  for (const row of rows) {
    expect(row.pictures).toBeGreaterThan(45)
    expect(row.medianMs).toBeGreaterThan(0)
  }
  expect(ours(rows)[0]!.medianMs).toBeLessThan(20)
})

test.concurrent('join: a key frame is there at once', { timeout: 60_000 }, async () => {
  const rows = await join(options({ viewers: 2 }))
  expect(theirs(rows).protocol).toBe('rtmp')
  expect(ours(rows).map(({ protocol }) => protocol)).toEqual(['rtmp', 'http-flv'])
  for (const row of ours(rows)) expect(row.medianMs).toBeLessThan(200)
})

test.concurrent('start: ready and small', { timeout: 60_000 }, async () => {
  const rows = await start(options({ times: 1 }))
  const [row] = ours(rows) as [Row]
  expect(row.readyMedianMs).toBeLessThan(10_000)
  expect(row.idleRssBytes).toBeLessThan(160e6)
})

test.concurrent('sip: calls are taken and made, none fails', { timeout: 60_000 }, async () => {
  const rows = await sip(options({ rate: 50, seconds: 1 }))
  expect(rows.map(({ name, calls, failed }) => [name, calls, failed])).toEqual([
    ['taken', 50, 0],
    ['made', 50, 0],
  ])
})

test.concurrent('calls: sound goes both ways, whole', { timeout: 60_000 }, async () => {
  const rows = await calls(options({ streams: 2, seconds: 1, 'warm-up': 1 }))
  expect(rows.map(({ name }) => name)).toEqual([
    ...['transcoded', 'relayed', 'blocked 30 ms', 'transcoded', 'relayed'],
  ])
  for (const row of rows) {
    expect(row.tones).toBeGreaterThan(0)
    expect(row.delayP50Ms).toBeGreaterThan(0)
    const [sent, received] = [Number(row.packetsInPerSecond), Number(row.packetsOutPerSecond)]
    expect(received / sent).toBeGreaterThan(0.5)
    expect(row.cpuPercent).toBeGreaterThan(0)
  }
})

test.concurrent('pacing: datagrams are read, and packets leave while the event loop is blocked', {
  timeout: 60_000,
}, async () => {
  const [receive, send] = (await pacing(options({ streams: 50, seconds: 1 }))) as [Row, Row]
  expect(receive).toMatchObject({ name: 'receive', sockets: 50 })
  expect(receive.packetsPerSecond).toBeGreaterThan(0)
  expect(receive.cpuUsPerPacket).toBeGreaterThan(0)
  expect(send).toMatchObject({ name: 'send', streams: 50 })
  expect(send.packetsPerSecond).toBeGreaterThan(0)
})

test('the times in pictures and sounds are found wherever they end', () => {
  const [first, second] = [createPicture(true), createPicture(false)]
  stamp(first, 111n)
  stamp(second, 222n)
  const sound = createSound()
  stamp(sound, 333n)
  expect([holdsKeyMark(first), holdsKeyMark(second)]).toEqual([true, false])
  const read = (...parts: readonly Uint8Array[]): unknown[] => {
    const found: unknown[] = []
    const bytes = Buffer.concat(parts)
    readStamps(Buffer.concat([bytes, second]), bytes.length, (sent, isPicture) =>
      found.push(isPicture ? sent : [sent]),
    )
    return found
  }
  expect(read(first, second)).toEqual([222n, 111n])
  expect(read(second, Buffer.from('other'))).toEqual([222n])
  expect(read(sound, sound, first, sound, second)).toEqual([222n, [333n], 111n, [333n], [333n]])
  expect(read(second.subarray(0, PICTURE_BYTES - 1))).toEqual([])
  expect(read(Buffer.alloc(3))).toEqual([])
})

test('quantiles of times', () => {
  const times = createHistogram()
  expect([times.count(), times.quantile(0.5)]).toEqual([0, 0])
  for (let ms = 1; ms <= 100; ms++) times.add(ms / 10)
  expect([times.count(), times.quantile(0.5), times.quantile(0.99), times.quantile(1)]).toEqual([
    100, 5, 9.9, 10,
  ])
  times.reset()
  times.add(1e9)
  expect(times.quantile(1)).toBeCloseTo(10_000, 0)
})
