/** What happens in a gateway, as facts: each begins or ends something, with who and why. */

/** Each type with what it says. */
export const EVENT_TYPES = {
  'stream:ready': 'A publisher is live and its tracks are known',
  'stream:waiting': 'The publisher was lost; its readers are kept for the grace time',
  'stream:resumed': 'It is back, or another in its place',
  'stream:closed': 'The publisher has gone: the one end of each stream:ready',
  'subscriber:joined': 'A reader has its plan and is being sent media',
  'subscriber:left': 'The one end of each subscriber:joined',
  'publish:refused': 'Somebody was not let publish',
  'subscribe:refused': 'Somebody was not let play, or nothing could be sent to him',
  'transcode:started': 'A track is being made of another',
  'transcode:stopped': 'The one end of each transcode:started',
  'bridge:opened': 'A bridge was made',
  'bridge:closed': 'The one end of each bridge:opened',
  'leg:changed': 'A destination of a bridge is in another state',
  'call:ringing': 'A call comes in, or is made',
  'call:early': 'It is heard before it is answered',
  'call:answered': 'It is answered',
  'call:held': 'It is on hold, by us or by them',
  'call:resumed': 'It is no longer on hold',
  'call:dtmf': 'A key was pressed at the other end',
  'call:transferred': 'How the transfer of a call went',
  'call:ended': 'The one end of each call, with its reason and its numbers',
  'call:refused': 'A call that no rule of the dial plan admits',
  'account:changed': 'A registration at a PBX or provider is in another state',
  'hook:test': 'Somebody tries whether webhooks arrive',
} as const satisfies Record<string, string>

export type EventType = keyof typeof EVENT_TYPES

export interface EventFacts {
  readonly stream?: string | undefined
  /** Why, in one sentence; endings and refusals have one. */
  readonly reason?: string | undefined
  /** Code of the reason or of the error. */
  readonly code?: string | undefined
  /** What else is known: labels, ids, numbers. No keys, no addresses of media. */
  readonly data?: Readonly<Record<string, unknown>> | undefined
}
export interface GatewayEvent extends EventFacts {
  /** Rises with every event of one run; two runs never share one. */
  readonly id: string
  /** RFC 3339, UTC. */
  readonly time: string
  readonly type: EventType
}

/** `stream:*` and `*` stand for all of their kind; streams are a name or `prefix*`. */
export interface EventFilter {
  readonly types?: readonly string[] | undefined
  readonly stream?: string | undefined
}

const matches = (pattern: string, text: string): boolean =>
  pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern

export const passes = ({ types, stream }: EventFilter, event: GatewayEvent): boolean =>
  (types === undefined || types.some(type => matches(type, event.type))) &&
  (stream === undefined || (event.stream !== undefined && matches(stream, event.stream)))

/** Does the pattern stand for any type at all? */
export const isTypePattern = (pattern: string): boolean =>
  Object.keys(EVENT_TYPES).some(type => matches(pattern, type))
