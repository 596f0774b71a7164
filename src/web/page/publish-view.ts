/** Sends this browser's camera or screen, under a name of the user's choice. */
import { type ComponentChild, h } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { Icon } from './icon.ts'
import { useHandedFocus } from './kept-focus.ts'
import { type LinksProps, PublishLinks } from './links.ts'
import { StatusLine } from './parts.ts'
import { PeerStats } from './peer-stats.ts'
import { usePublishing } from './publishing.ts'

const namePattern = '[A-Za-z0-9_][A-Za-z0-9_.~\\-]*(/[A-Za-z0-9_][A-Za-z0-9_.~\\-]*)*'

interface NameInputProps {
  readonly name: string
  readonly disabled: boolean
  readonly onName: (name: string, valid: boolean) => void
}
const NameInput = ({ name, disabled, onName }: NameInputProps): ComponentChild => {
  const onInput = (event: Event): void => {
    const { value, validity } = event.currentTarget as HTMLInputElement
    onName(value, validity.valid)
  }
  return h('input', {
    id: 'name',
    value: name,
    disabled,
    onInput,
    required: true,
    maxLength: 255,
    pattern: namePattern,
    autocomplete: 'off',
    spellcheck: false,
    title: 'Letters, digits and _ - . ~, in parts joined by slashes',
  })
}

const StartButton = ({
  source,
  words,
}: {
  readonly source: 'camera' | 'screen'
  readonly words: string
}): ComponentChild =>
  h(
    'button',
    { class: 'primary', type: 'submit', value: source, id: `publish-${source}` },
    h(Icon, { name: source }),
    words,
  )

export const PublishView = ({ name: initialName, rtmp }: LinksProps): ComponentChild => {
  const video = useRef<HTMLVideoElement>(null)
  const [name, setName] = useState(initialName)
  const [linked, setLinked] = useState(initialName)
  const { status, busy, peer, start, stop } = usePublishing(video)
  useHandedFocus(busy ? '#stop' : '#publish-camera')
  const onName = (value: string, valid: boolean): void => {
    setName(value)
    if (valid) setLinked(value)
  }
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault()
    const button = event.submitter as HTMLButtonElement | null
    start(name, button?.value === 'screen' ? 'screen' : 'camera')
  }
  const picture = h('video', {
    ref: video,
    id: 'preview',
    autoplay: true,
    playsInline: true,
    muted: true,
    'aria-label': 'Preview of what is sent',
  })
  const starts = h(
    'div',
    { class: 'row', hidden: busy },
    h(StartButton, { source: 'camera', words: 'Share camera' }),
    h(StartButton, { source: 'screen', words: 'Share screen' }),
  )
  const stopButton = h(
    'button',
    { class: 'danger', type: 'button', id: 'stop', hidden: !busy, onClick: stop },
    h(Icon, { name: 'stop' }),
    'Stop',
  )
  return h(
    'div',
    { class: 'main' },
    h('header', { class: 'title' }, h('h1', { tabIndex: -1 }, 'Publish')),
    h(
      'div',
      { class: 'stage', 'data-phase': busy ? 'playing' : 'waiting' },
      picture,
      h('p', { class: 'veil' }, 'Your picture appears here'),
    ),
    h(
      'form',
      { class: 'card form', onSubmit },
      h('label', { for: 'name' }, 'Stream name'),
      h(NameInput, { name, disabled: busy, onName }),
      starts,
      stopButton,
      h(StatusLine, status),
    ),
    h(PeerStats, { direction: 'outbound', peer }),
    h(PublishLinks, { name: linked, rtmp }),
  )
}
