/** Small pieces that both views are made of. */
import { h, icon } from './element.ts'

/** What the statistics row shows. */
export interface Reading {
  readonly label: string
  readonly value: string
}

/** A value to take elsewhere, with a button that copies it. */
export const copyField = (label: string, value: string): HTMLElement => {
  const button = h('button', { class: 'copy', type: 'button', 'aria-label': `Copy ${label}` }, icon('copy'))
  const say = (name: 'copy' | 'done'): void => button.replaceChildren(icon(name))
  button.addEventListener('click', () => {
    const text = field.querySelector('code')
    void navigator.clipboard?.writeText(value).then(
      () => {
        say('done')
        setTimeout(say, 1500, 'copy')
      },
      () => undefined,
    )
    // Where there is no clipboard (plain http), the text is at least selected.
    if (text !== null) getSelection()?.selectAllChildren(text)
  })
  const field: HTMLElement = h(
    'div',
    { class: 'field' },
    h('span', { class: 'label' }, label),
    h('code', {}, value),
    button,
  )
  return field
}

export type Tone = 'live' | 'busy' | 'idle' | 'bad'

/** A dot and a sentence; screen readers hear changes. */
export const statusLine = (): { readonly element: HTMLElement; set(tone: Tone, words: string): void } => {
  const dot = h('span', { class: 'dot' })
  const words = h('span')
  const element = h('p', { class: 'status', role: 'status' }, dot, words)
  return {
    element,
    set(tone, text) {
      element.dataset.tone = tone
      words.textContent = text
    },
  }
}

/** Names above numbers. */
export const statsRow = (): { readonly element: HTMLElement; set(readings: readonly Reading[]): void } => {
  const element = h('dl', { class: 'stats' })
  return {
    element,
    set(readings) {
      element.replaceChildren(
        ...readings.map(({ label, value }) => h('div', {}, h('dt', {}, label), h('dd', {}, value))),
      )
    },
  }
}

/** Calls `run` now and then every `ms` until the returned function is called; a slow run is never overtaken. */
export const every = (ms: number, run: () => Promise<void>): (() => void) => {
  let stopped = false
  let timer = 0
  const turn = async (): Promise<void> => {
    await run().catch(() => undefined)
    if (!stopped) timer = window.setTimeout(turn, ms)
  }
  void turn()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
