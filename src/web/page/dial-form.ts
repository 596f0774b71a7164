/** Calls somebody: with this visitor's microphone, or for a stream to be heard there. */
import { type ComponentChild, h } from 'preact'
import { useState } from 'preact/hooks'
import { dial } from './calls-api.ts'
import { Icon } from './icon.ts'
import { type Status, StatusLine, TextField } from './parts.ts'
import type { Talking } from './talking.ts'

const quiet: Status = { tone: 'idle', words: '' }

export interface DialFormProps {
  readonly talking: Talking
  readonly onDialled: () => void
}
export const DialForm = ({ talking, onDialled }: DialFormProps): ComponentChild => {
  const [to, setTo] = useState('')
  const [hear, setHear] = useState('')
  const [status, setStatus] = useState(quiet)
  const place = async (heard: string): Promise<string | null> => {
    const { publish } = await dial({ to: to.trim(), publish: `calls/${crypto.randomUUID()}`, hear: heard })
    onDialled()
    return publish
  }
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    const heard = hear.trim()
    const fail = (error: Error): void => setStatus({ tone: 'bad', words: error.message })
    setStatus(quiet)
    if (heard !== '') return void place(heard).catch(fail)
    const speakAs = `talk/${crypto.randomUUID()}`
    talking.start({ speakAs, join: () => place(speakAs), leave: async () => undefined })
  }
  return h(
    'form',
    { class: 'card form', 'aria-label': 'Call somebody', onSubmit },
    h('h2', {}, 'Call somebody'),
    h(TextField, { id: 'dial-to', label: 'To', value: to, onValue: setTo, placeholder: 'sip:name@host' }),
    h(TextField, {
      id: 'dial-hear',
      label: 'They hear',
      value: hear,
      onValue: setHear,
      placeholder: 'your microphone, or a stream like live/cam',
      required: false,
    }),
    h(
      'div',
      { class: 'row' },
      h('button', { class: 'primary', type: 'submit', id: 'dial' }, h(Icon, { name: 'phone' }), 'Call'),
      h(StatusLine, status),
    ),
  )
}
