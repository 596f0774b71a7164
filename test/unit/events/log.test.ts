import { describe, expect, test } from 'vitest'
import { EVENT_TYPES, type GatewayEvent, isTypePattern, passes } from '../../../src/events/event.ts'
import { EventLog } from '../../../src/events/log.ts'
import { type EventOutlet, readEvents } from '../../../src/events/reader.ts'
import { createRefusalTeller } from '../../../src/events/refusals.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

const setup = (capacity?: number) => {
  const clock = new ManualClock()
  const errors: unknown[] = []
  const options = { clock, onError: (error: unknown) => void errors.push(error) }
  const log = new EventLog(capacity === undefined ? options : { ...options, capacity })
  const fill = (count: number): void => {
    for (let i = 1; i <= count; i++) log.append('stream:ready', { stream: `s${i}` })
  }
  return { clock, errors, log, fill }
}
const names = (events: readonly GatewayEvent[]) => events.map(({ stream }) => stream)

describe('the log', () => {
  test('numbers rise, times are those of the clock', () => {
    const { log, clock } = setup()
    const first = log.append('stream:ready', { stream: 'a' })
    clock.advance(1_500_000)
    const second = log.append('stream:closed', { stream: 'a', reason: 'gone' })
    expect(Number(second.id.split('-')[1])).toBe(Number(first.id.split('-')[1]) + 1)
    expect(Date.parse(second.time) - Date.parse(first.time)).toBe(1500)
    expect(log.counts.get('stream:closed')).toBe(1)
  })

  test('goes on after an id, and says when what came then is gone', () => {
    const { log, fill } = setup(3)
    fill(2)
    const [first] = log.recent(10)
    fill(1)
    expect(log.after(first!.id)).toMatchObject({ isIncomplete: false })
    expect(names(log.after(first!.id).events)).toEqual(['s2', 's1'])
    fill(2)
    expect(log.after(first!.id).isIncomplete).toBe(true)
    expect(names(log.after(first!.id).events)).toEqual(['s1', 's1', 's2'])
    expect(log.after(log.recent(1)[0]!.id)).toEqual({ events: [], isIncomplete: false })
  })

  test.each(['', 'x', 'zzzz-1', '<script>'])(
    'an id of another run, "%s", gets everything and is told so',
    id => {
      const { log, fill } = setup()
      fill(2)
      expect(log.after(id)).toMatchObject({ isIncomplete: true, events: [{}, {}] })
    },
  )
  test('an id of the future is of another run', () => {
    const { log, fill } = setup()
    fill(1)
    const [run] = log.recent(1)[0]!.id.split('-')
    expect(log.after(`${run}-99`).isIncomplete).toBe(true)
  })

  test('a listener that throws disturbs neither the others nor the log', () => {
    const { log, errors } = setup()
    const seen: string[] = []
    log.on(() => {
      throw new Error('broken')
    })
    const stop = log.on(({ type }) => void seen.push(type))
    log.append('stream:ready')
    stop()
    log.append('stream:closed')
    expect(seen).toEqual(['stream:ready'])
    expect(errors).toHaveLength(2)
  })
})

describe('filters', () => {
  const event = (type: GatewayEvent['type'], stream?: string): GatewayEvent => ({
    id: 'a-1',
    time: '',
    type,
    stream,
  })
  test.each([
    [{}, true],
    [{ types: ['stream:ready'] }, true],
    [{ types: ['stream:*'] }, true],
    [{ types: ['*'] }, true],
    [{ types: ['subscriber:*', 'leg:changed'] }, false],
    [{ stream: 'live/cam' }, true],
    [{ stream: 'live/*' }, true],
    [{ stream: 'live' }, false],
    [{ stream: 'live/*', types: ['stream:closed'] }, false],
  ])('%j: %s', (filter, expected) => {
    expect(passes(filter, event('stream:ready', 'live/cam'))).toBe(expected)
  })
  test('what belongs to no stream passes no filter by stream', () => {
    expect(passes({ stream: '*' }, event('hook:test'))).toBe(false)
  })
  test('patterns', () => {
    expect(Object.keys(EVENT_TYPES).every(isTypePattern)).toBe(true)
    expect(['stream:*', '*', 'stream:gone', 'streams:*'].map(isTypePattern)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

describe('a reader', () => {
  const outlet = () => {
    const sent: string[] = []
    let backlog = 0
    const all: EventOutlet = {
      send: event => void sent.push(event.stream ?? event.type),
      sendMissed: () => void sent.push('missed'),
      beat: () => void sent.push('beat'),
      backlog: () => backlog,
      end: reason => void sent.push(`end: ${reason}`),
    }
    const fall = (bytes: number): void => {
      backlog = bytes
    }
    return { sent, all, fall }
  }

  test('gets what it missed, then what comes, and a sign of life in between', () => {
    const { log, clock, fill } = setup()
    fill(3)
    const { sent, all } = outlet()
    const stop = readEvents(log, clock, all, {}, { after: log.recent(2)[0]!.id })
    log.append('stream:ready', { stream: 'new' })
    clock.advance(15_000_000)
    stop()
    log.append('stream:ready', { stream: 'late' })
    clock.advance(60_000_000)
    expect(sent).toEqual(['s3', 'new', 'beat'])
    expect([clock.pending, log.readers]).toEqual([0, 0])
  })

  test('that does not read is let go with numbers, and never written to again', () => {
    const { log, clock } = setup()
    const { sent, all, fall } = outlet()
    readEvents(log, clock, all, {}, { recent: 0 })
    fall(2_000_000)
    log.append('stream:ready', { stream: 'a' })
    log.append('stream:ready', { stream: 'b' })
    expect(sent).toEqual(['end: too slow: 2000000 bytes of events wait, 1048576 may'])
    expect([clock.pending, log.readers]).toEqual([0, 0])
  })
})

test('of a thousand refusals a second ten are told, and the next tells how many were not', () => {
  const { log, clock } = setup()
  const refuse = createRefusalTeller(log, clock)
  for (let i = 0; i < 1000; i++) refuse('publish:refused', { stream: 'x', data: { label: 'rtmp 1.2.3.4' } })
  expect(log.recent(1000)).toHaveLength(10)
  clock.advance(1_000_000)
  refuse('publish:refused', { stream: 'x', data: { label: 'rtmp 1.2.3.4' } })
  expect(log.recent(1)[0]!.data).toEqual({ label: 'rtmp 1.2.3.4', untold: 990 })
})
