/** Where a visitor enters a key or token, shown once the gateway has refused something for want of one. */
import { type ComponentChild, h } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { StatusLine, TextField } from './parts.ts'
import { keepToken, onTokenWanted } from './token.ts'

const submit = (event: Event, key: string): void => {
  event.preventDefault()
  keepToken(key.trim())
  // Everything is asked anew, in this tab, at the same address.
  location.reload()
}

/** What is being typed stays when the next request is refused too. */
export const KeyForm = (): ComponentChild => {
  const [why, setWhy] = useState<string>()
  const [key, setKey] = useState('')
  useEffect(() => onTokenWanted(setWhy), [])
  if (why === undefined) return null
  return h(
    'form',
    {
      class: 'card form',
      id: 'key-form',
      'aria-label': 'Enter a key',
      onSubmit: (event: Event) => submit(event, key),
    },
    h(TextField, {
      id: 'key',
      type: 'password',
      label: 'Key or token, kept in this tab only',
      value: key,
      onValue: setKey,
    }),
    h(
      'div',
      { class: 'row' },
      h('button', { class: 'primary', type: 'submit' }, 'Use key'),
      h(StatusLine, { tone: 'bad', words: why }),
    ),
  )
}
