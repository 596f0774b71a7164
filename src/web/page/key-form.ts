/** Where a visitor enters a key or token, shown once the gateway has refused something for want of one. */
import { h } from './element.ts'
import { statusLine } from './parts.ts'
import { keepToken } from './token.ts'

const input = h('input', {
  id: 'key',
  type: 'password',
  required: true,
  autocomplete: 'off',
  maxlength: 8192,
})
const status = statusLine()

const submit = (event: Event): void => {
  event.preventDefault()
  keepToken(input.value.trim())
  // Everything is asked anew, in this tab, at the same address.
  location.reload()
}

const form = h(
  'form',
  { class: 'card form', id: 'key-form', 'aria-label': 'Enter a key', on: { submit } },
  h('div', {}, h('label', { for: 'key' }, 'Key or token, kept in this tab only'), input),
  h('div', { class: 'row' }, h('button', { class: 'primary', type: 'submit' }, 'Use key'), status.element),
)

/** What is being typed stays when the next request is refused too. */
export const askForKey = (why: string): void => {
  if (!form.isConnected) document.querySelector('main')?.prepend(form)
  if (status.element.textContent !== why) status.set('bad', why)
}
