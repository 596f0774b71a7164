/** The newest events of the gateway, newest first. */
import { type ComponentChild, h } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type EventView, followEvents } from './event-feed.ts'

const shown = 100

/** Whom it is about besides the stream: a reader, the end of a bridge, its destinations, a track. */
const subjectOf = ({ label, end, to, track }: Readonly<Record<string, unknown>> = {}): unknown =>
  label ?? end ?? (Array.isArray(to) ? to.join(', ') : to) ?? track

const Row = ({
  event: { time, type, stream, reason, data },
}: {
  readonly event: EventView
}): ComponentChild => {
  const what = [stream, subjectOf(data), reason].filter(word => typeof word === 'string')
  return h(
    'li',
    { 'data-type': type.split(':')[0] },
    h('time', { dateTime: time }, new Date(time).toLocaleTimeString()),
    h('b', {}, type),
    h('span', {}, what.join(' · ')),
  )
}

export const EventLog = (): ComponentChild => {
  const [events, setEvents] = useState<readonly EventView[]>([])
  const [note, setNote] = useState('Connecting')
  useEffect(
    () =>
      followEvents({
        began: () => setNote(''),
        happened: event => setEvents(before => [event, ...before].slice(0, shown)),
        lost: why => setNote(`${why}; trying again`),
      }),
    [],
  )
  const rows = events.map(event => h(Row, { key: event.id, event }))
  return h(
    'section',
    { class: 'card', 'aria-label': 'Events' },
    h('h2', {}, 'Events'),
    h(
      'p',
      { class: 'facts', role: 'status' },
      note || (events.length === 0 ? 'Nothing has happened yet' : ''),
    ),
    h('ol', { class: 'events', tabIndex: 0, 'aria-label': 'Newest first' }, rows),
  )
}
