/** Sends this browser's camera or screen, under a name of the user's choice. */
import { h, icon } from './element.ts'
import { publishLinks } from './links.ts'
import { createMeter } from './meter.ts'
import { every, statsRow, statusLine } from './parts.ts'
import { capture, type Publishing, publish, type Source } from './publisher.ts'
import type { View } from './watch-view.ts'

const namePattern = '[A-Za-z0-9_][A-Za-z0-9_.~\\-]*(/[A-Za-z0-9_][A-Za-z0-9_.~\\-]*)*'

const nameInput = (name: string): HTMLInputElement =>
  h('input', {
    id: 'name',
    value: name,
    required: true,
    maxlength: 255,
    pattern: namePattern,
    autocomplete: 'off',
    spellcheck: 'false',
    title: 'Letters, digits and _ - . ~, in parts joined by slashes',
  })

const startButton = (source: Source, words: string): HTMLButtonElement =>
  h(
    'button',
    { class: 'primary', type: 'submit', value: source, id: `publish-${source}` },
    icon(source),
    words,
  )

export const publishView = (initialName: string, rtmp: string | undefined): View => {
  const video = h('video', {
    id: 'preview',
    autoplay: true,
    playsinline: true,
    'aria-label': 'Preview of what is sent',
  })
  video.muted = true
  const veil = h('p', { class: 'veil' }, 'Your picture appears here')
  const stage = h('div', { class: 'stage', 'data-phase': 'waiting' }, video, veil)
  const status = statusLine()
  const stats = statsRow()
  const input = nameInput(initialName)
  const links = h('div', {}, publishLinks(initialName, rtmp))
  const stop = h(
    'button',
    { class: 'danger', type: 'button', id: 'stop', hidden: true },
    icon('stop'),
    'Stop',
  )
  const starts = h(
    'div',
    { class: 'row' },
    startButton('camera', 'Share camera'),
    startButton('screen', 'Share screen'),
  )
  let media: MediaStream | undefined
  let session: Publishing | undefined
  let stopMeter = (): void => undefined

  const show = (busy: boolean): void => {
    input.disabled = busy
    starts.hidden = busy
    stop.hidden = !busy
    stage.dataset.phase = busy ? 'playing' : 'waiting'
  }
  const end = (): void => {
    stopMeter()
    session?.close()
    for (const track of media?.getTracks() ?? []) track.stop()
    session = media = undefined
    video.srcObject = null
    stats.set([])
    show(false)
  }
  const fail = (words: string): void => {
    end()
    status.set('bad', words)
  }

  const start = async (source: Source): Promise<void> => {
    const name = input.value
    status.set('busy', source === 'camera' ? 'Asking for the camera' : 'Asking for the screen')
    const captured = await capture(source)
    media = captured
    video.srcObject = captured
    show(true)
    captured
      .getVideoTracks()[0]
      ?.addEventListener('ended', () => media === captured && fail('Sharing was ended'))
    status.set('busy', 'Connecting')
    const publishing = await publish(name, captured, source)
    if (media !== captured) return publishing.close()
    session = publishing
    status.set('live', `Live as ${name}`)
    const meter = createMeter('outbound')
    stopMeter = every(1000, async () => stats.set(await meter(publishing.peer)))
    await publishing.lost
    if (session === publishing) fail('The connection to the gateway was lost')
  }

  const form = h('form', { class: 'card form' })
  form.append(h('label', { for: 'name' }, 'Stream name'), input, starts, stop, status.element)
  form.addEventListener('submit', event => {
    event.preventDefault()
    const source = (event.submitter as HTMLButtonElement | null)?.value === 'screen' ? 'screen' : 'camera'
    start(source).catch((error: Error) => fail(error.message))
  })
  stop.addEventListener('click', () => {
    end()
    status.set('idle', 'Stopped')
  })
  input.addEventListener('input', () => {
    if (input.validity.valid) links.replaceChildren(publishLinks(input.value, rtmp))
  })
  status.set('idle', 'Ready')
  return {
    element: h('div', { class: 'main' }, stage, form, stats.element, links),
    close: end,
  }
}
