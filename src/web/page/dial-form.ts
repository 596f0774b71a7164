/** Calls somebody: with this visitor's microphone, or for a stream to be heard there. */
import { type ComponentChild, h } from 'preact'
import { useState } from 'preact/hooks'
import { dial } from './calls-api.ts'
import { Icon } from './icon.ts'
import { type Status, StatusLine, TextField } from './parts.ts'
import type { Talking } from './talking.ts'

const quiet: Status = { tone: 'idle', words: '' }

/** A number as people write it, which only an account can call: `+49 30 123`. */
const asTarget = (to: string, account: string): string =>
  account !== '' && /^\+?[\d\s().-]*\d[\d\s().-]*$/.test(to) ? `tel:${to.replace(/[\s().-]/g, '')}` : to

interface AccountFieldProps {
  readonly accounts: readonly string[]
  readonly account: string
  readonly onAccount: (account: string) => void
}
/** Only where there is a choice. */
const AccountField = ({ accounts, account, onAccount }: AccountFieldProps): ComponentChild => {
  if (accounts.length === 0) return null
  const onChange = (event: Event): void => onAccount((event.currentTarget as HTMLSelectElement).value)
  return h(
    'div',
    {},
    h('label', { for: 'dial-account' }, 'Through'),
    h(
      'select',
      { id: 'dial-account', value: account, onChange },
      h('option', { value: '' }, 'whoever serves the domain'),
      accounts.map(name => h('option', { key: name, value: name }, name)),
    ),
  )
}

export interface DialFormProps {
  /** Names of registrations and trunks. */
  readonly accounts: readonly string[]
  readonly talking: Talking
  readonly onDialled: () => void
}
export const DialForm = ({ talking, accounts, onDialled }: DialFormProps): ComponentChild => {
  const [to, setTo] = useState('')
  const [hear, setHear] = useState('')
  const [account, setAccount] = useState('')
  const [status, setStatus] = useState(quiet)
  const place = async (heard: string): Promise<string | null> => {
    const streams = { publish: `calls/${crypto.randomUUID()}`, hear: heard }
    const through = account === '' ? {} : { account }
    const { publish } = await dial({ to: asTarget(to.trim(), account), ...streams, ...through })
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
    h(TextField, {
      id: 'dial-to',
      label: 'To',
      value: to,
      onValue: setTo,
      placeholder: account === '' ? 'sip:name@host' : '+49 30 123456, or sip:name@host',
    }),
    h(AccountField, { accounts, account, onAccount: setAccount }),
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
