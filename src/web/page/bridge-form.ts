/** Adds a destination to a stream, or carries any source to it. */
import { type ComponentChild, h } from 'preact'
import { useState } from 'preact/hooks'
import { openBridge } from './api.ts'
import { Icon } from './icon.ts'
import { type Status, StatusLine, TextField } from './parts.ts'

const quiet: Status = { tone: 'idle', words: '' }

export interface BridgeFormProps {
  /** Offered as the source. */
  readonly stream: string
  readonly onAdded: () => void
}
export const BridgeForm = ({ stream, onAdded }: BridgeFormProps): ComponentChild => {
  const [from, setFrom] = useState(`stream:${stream}`)
  const [to, setTo] = useState('')
  const [status, setStatus] = useState(quiet)
  const add = async (): Promise<void> => {
    setStatus({ tone: 'busy', words: 'Connecting' })
    try {
      await openBridge(from.trim(), [to.trim()])
      setStatus(quiet)
      setTo('')
      onAdded()
    } catch (error) {
      setStatus({ tone: 'bad', words: (error as Error).message })
    }
  }
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    void add()
  }
  const placeholder = 'rtmp://…, youtube:KEY, or a file name like cam.flv'
  const button = h(
    'button',
    { class: 'primary', type: 'submit', id: 'add-bridge', disabled: status.tone === 'busy' },
    h(Icon, { name: 'add' }),
    'Add destination',
  )
  return h(
    'form',
    { class: 'card form', 'aria-label': 'Add a destination', onSubmit },
    h('h2', {}, 'Send a stream on'),
    h(TextField, { id: 'bridge-from', label: 'From', value: from, onValue: setFrom }),
    h(TextField, { id: 'bridge-to', label: 'To', value: to, onValue: setTo, placeholder }),
    h('div', { class: 'row' }, button, h(StatusLine, status)),
  )
}
