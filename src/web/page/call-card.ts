/** One call: who, how well, and what can be done with it. */
import { type ComponentChild, h } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { type CallView, hangUp, sendDigit, setHear, setHold, transfer } from './calls-api.ts'
import { useKeptFocus } from './kept-focus.ts'
import { type Status, StatusLine, TextField, type Tone } from './parts.ts'
import type { Talking } from './talking.ts'
import { codecName, duration } from './words.ts'

const tones: Readonly<Record<CallView['state'], Tone>> = {
  dialling: 'busy',
  ringing: 'busy',
  early: 'busy',
  live: 'live',
  ending: 'idle',
  ended: 'idle',
}
const holds: Readonly<Record<CallView['hold'], string>> = {
  none: '',
  'by-us': 'held by us',
  'by-them': 'held by them',
  both: 'held by both',
}
const waits: Readonly<Record<'greeting' | 'pin', string>> = {
  greeting: 'is greeted',
  pin: 'waits for a PIN',
}
const isOver = ({ state }: CallView): boolean => state === 'ended' || state === 'ending'

const stateWords = ({ state, waitsFor, hold, reason, answeredAt, endedAt }: CallView): string => {
  const until = endedAt === null ? Date.now() : Date.parse(endedAt)
  const length = answeredAt === null ? '' : duration((until - Date.parse(answeredAt)) / 1000)
  const wait = waitsFor === null ? '' : waits[waitsFor]
  return [state, wait, holds[hold], length, reason?.detail ?? ''].filter(words => words !== '').join(' · ')
}

const hearWords = ({ state, waitsFor, hear, hearError }: CallView): string => {
  if (waitsFor !== null && hear === null) return 'hears no stream yet'
  const verb = state === 'ringing' ? 'waits for' : 'hears'
  return `${verb} ${hear ?? 'silence'}${hearError === null ? '' : `: ${hearError}`}`
}

const mediaWords = (call: CallView): readonly string[] => [
  ...call.media.map(({ codec, srtp, received, mos, roundTripMs }) =>
    [
      codecName(codec),
      srtp ? 'encrypted' : 'not encrypted',
      `${received.lost} of ${received.packets + received.lost} packets lost`,
      `jitter ${received.jitterMs.toFixed(1)} ms`,
      roundTripMs === null ? '' : `round trip ${Math.round(roundTripMs)} ms`,
      mos === null ? '' : `quality ${mos.toFixed(1)} of 4.5`,
    ]
      .filter(words => words !== '')
      .join(' · '),
  ),
  hearWords(call),
]

const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const

interface ButtonProps {
  readonly words: string
  readonly label: string
  readonly onClick: () => void
  readonly look?: 'quiet' | 'danger' | 'primary'
}
const Button = ({ words, label, onClick, look = 'quiet' }: ButtonProps): ComponentChild =>
  h('button', { class: look, type: 'button', 'aria-label': label, onClick }, words)

export interface CallCardProps {
  readonly call: CallView
  readonly talking: Talking
  readonly onChanged: () => void
}

/** The stream that this visitor's microphone becomes: the one the caller waits for, or one for this call. */
const voiceFor = ({ id, state, hear }: CallView): string =>
  state === 'ringing' && hear !== null ? hear : `talk/${id}`

const TalkButton = ({ call, talking, onChanged }: CallCardProps): ComponentChild => {
  const { id, direction, state, publish, hear } = call
  const speakAs = voiceFor(call)
  // Once answered the call hears what this visitor said to answer with.
  if (talking.speakAs !== undefined && [speakAs, hear].includes(talking.speakAs))
    return h(Button, { words: 'Stop talking', label: 'Stop talking', onClick: talking.stop })
  const waits = state === 'ringing' && direction === 'inbound' && hear !== null
  if (!waits && state !== 'live') return null
  const plan = {
    speakAs,
    async join() {
      if (speakAs !== hear) await setHear(id, speakAs)
      onChanged()
      return publish
    },
    leave: async () => (speakAs === hear ? undefined : setHear(id, hear)),
  }
  return h(Button, {
    words: waits ? 'Answer' : 'Talk',
    label: `${waits ? 'Answer' : 'Talk in'} the call from ${call.from}`,
    look: 'primary',
    onClick: () => talking.start(plan),
  })
}

interface ActionsProps extends CallCardProps {
  readonly act: (done: Promise<unknown>) => void
}
const Keypad = ({ call, act }: ActionsProps): ComponentChild =>
  h(
    'div',
    { class: 'row keypad', role: 'group', 'aria-label': 'Keys' },
    keys.map(key =>
      h(Button, { key, words: key, label: `Key ${key}`, onClick: () => act(sendDigit(call.id, key)) }),
    ),
  )

const TransferForm = ({ call, act }: ActionsProps): ComponentChild => {
  const [to, setTo] = useState('')
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    act(transfer(call.id, to.trim()))
  }
  return h(
    'form',
    { class: 'row', 'aria-label': 'Pass on', onSubmit },
    h(TextField, { id: `transfer-${call.id}`, label: 'Pass on to', value: to, onValue: setTo }),
    h('button', { class: 'quiet', type: 'submit' }, 'Pass on'),
  )
}

const Actions = (props: ActionsProps): ComponentChild => {
  const { call, act } = props
  const held = call.hold === 'by-us' || call.hold === 'both'
  const live = call.state === 'live'
  const hold = held ? 'Resume' : 'Hold'
  const who = `the call from ${call.from}`
  return [
    h(
      'div',
      { class: 'row end' },
      h(TalkButton, props),
      live &&
        h(Button, { words: hold, label: `${hold} ${who}`, onClick: () => act(setHold(call.id, !held)) }),
      h(Button, {
        words: 'Hang up',
        label: `Hang up ${who}`,
        look: 'danger',
        onClick: () => act(hangUp(call.id)),
      }),
    ),
    live &&
      h('details', {}, h('summary', {}, 'Keys and passing on'), h(Keypad, props), h(TransferForm, props)),
  ]
}

export const CallCard = ({ call, talking, onChanged }: CallCardProps): ComponentChild => {
  const [said, setSaid] = useState<Status>()
  const card = useRef<HTMLLIElement>(null)
  useKeptFocus(card)
  const act = (done: Promise<unknown>): void =>
    void done
      .then(
        words => setSaid(typeof words === 'string' ? { tone: 'idle', words } : undefined),
        (error: Error) => setSaid({ tone: 'bad', words: error.message }),
      )
      .finally(onChanged)
  const arrow = call.direction === 'inbound' ? 'calls in:' : 'is called by'
  const [first, second] = call.direction === 'inbound' ? [call.from, call.to] : [call.to, call.from]
  return h(
    'li',
    { ref: card, class: 'card call', 'data-call': call.id, 'data-state': call.state },
    h('p', {}, h('b', {}, first), ` ${arrow} `, h('span', {}, second)),
    h(StatusLine, { tone: call.waitsFor === null ? tones[call.state] : 'busy', words: stateWords(call) }),
    isOver(call) ? null : mediaWords(call).map(words => h('p', { key: words, class: 'facts' }, words)),
    isOver(call) ? null : h(Actions, { call, talking, onChanged, act }),
    said && h(StatusLine, said),
  )
}
