/** Telephone calls: those that are there, a way to make one, and where the gateway is registered. */
import { type ComponentChild, h } from 'preact'
import { useRef } from 'preact/hooks'
import { CallCard } from './call-card.ts'
import { type AccountView, listAccounts, listCalls } from './calls-api.ts'
import { DialForm } from './dial-form.ts'
import { StatusLine, type Tone } from './parts.ts'
import { usePolled } from './polling.ts'
import { useTalking } from './talking.ts'
import { count } from './words.ts'

const tones: Readonly<Record<AccountView['state'], Tone>> = {
  registered: 'live',
  registering: 'busy',
  failed: 'bad',
  unregistered: 'idle',
  trunk: 'idle',
}

const Account = ({ account }: { readonly account: AccountView }): ComponentChild => {
  const { name, uri, state, error, calls } = account
  const words = [state, error, count(calls, 'call')].filter(text => text !== null).join(' · ')
  return h(
    'li',
    { 'data-account': name },
    h('b', {}, name),
    h('span', {}, uri),
    h(StatusLine, { tone: tones[state], words }),
  )
}

const Accounts = ({ accounts }: { readonly accounts: readonly AccountView[] }): ComponentChild => {
  if (accounts.length === 0) return null
  return h(
    'section',
    { class: 'card', 'aria-label': 'Registrations' },
    h('h2', {}, 'Registrations and trunks'),
    h(
      'ul',
      { class: 'accounts' },
      accounts.map(account => h(Account, { key: account.name, account })),
    ),
  )
}

export const CallsView = (): ComponentChild => {
  const speaker = useRef<HTMLAudioElement>(null)
  const talking = useTalking(speaker)
  const [calls = [], refresh] = usePolled(1000, listCalls)
  const [accounts = []] = usePolled(5000, listAccounts)
  const cards = calls.map(call => h(CallCard, { key: call.id, call, talking, onChanged: refresh }))
  return h(
    'div',
    { class: 'main' },
    h('header', { class: 'title' }, h('h1', { tabIndex: -1 }, 'Calls'), h(StatusLine, talking.status)),
    h('audio', { ref: speaker, id: 'speaker', autoplay: true, hidden: true }),
    h('ul', { class: 'bridges calls' }, cards),
    calls.length === 0 ? h('p', { class: 'card facts' }, 'Nobody is on the telephone.') : null,
    h(DialForm, { talking, accounts: accounts.map(({ name }) => name), onDialled: refresh }),
    h(Accounts, { accounts }),
  )
}
