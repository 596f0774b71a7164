/** Small pieces that the views are made of. */
import { type ComponentChild, h } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { Icon, type IconName } from './icon.ts'

export type Tone = 'live' | 'busy' | 'idle' | 'bad'
export interface Status {
  readonly tone: Tone
  readonly words: string
}

/** A dot and a sentence; screen readers hear changes. */
export const StatusLine = ({ tone, words }: Status): ComponentChild =>
  h(
    'p',
    { class: 'status', role: 'status', 'data-tone': tone },
    h('span', { class: 'dot' }),
    h('span', {}, words),
  )

/** What the statistics row shows. */
export interface Reading {
  readonly label: string
  readonly value: string
}

/** Names above numbers. */
export const StatsRow = ({ readings }: { readonly readings: readonly Reading[] }): ComponentChild =>
  h(
    'dl',
    { class: 'stats' },
    readings.map(({ label, value }) => h('div', { key: label }, h('dt', {}, label), h('dd', {}, value))),
  )

/** A value to take elsewhere, with a button that copies it. */
export const CopyField = ({
  label,
  value,
}: {
  readonly label: string
  readonly value: string
}): ComponentChild => {
  const [icon, setIcon] = useState<IconName>('copy')
  const text = useRef<HTMLElement>(null)
  const copied = (): void => {
    setIcon('done')
    setTimeout(setIcon, 1500, 'copy')
  }
  const copy = (): void => {
    void navigator.clipboard?.writeText(value).then(copied, () => undefined)
    // Where there is no clipboard (plain http), the text is at least selected.
    if (text.current !== null) getSelection()?.selectAllChildren(text.current)
  }
  return h(
    'div',
    { class: 'field' },
    h('span', { class: 'label' }, label),
    h('code', { ref: text }, value),
    h(
      'button',
      { class: 'copy', type: 'button', 'aria-label': `Copy ${label}`, onClick: copy },
      h(Icon, { name: icon }),
    ),
  )
}

export interface TextFieldProps {
  readonly id: string
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly placeholder?: string
  readonly type?: 'text' | 'password'
  readonly required?: boolean
}
export const TextField = ({
  id,
  label,
  onValue,
  required = true,
  ...attributes
}: TextFieldProps): ComponentChild => {
  const onInput = (event: Event): void => onValue((event.currentTarget as HTMLInputElement).value)
  const rest = { autocomplete: 'off', spellcheck: false, maxLength: 8192, required }
  return h(
    'div',
    {},
    h('label', { for: id }, label),
    h('input', { id, type: 'text', ...rest, ...attributes, onInput }),
  )
}
