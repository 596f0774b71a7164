/** The player: a picture, what is going on in words and numbers, and where else the stream plays. */
import { h, icon } from './element.ts'
import { playLinks } from './links.ts'
import { createMeter } from './meter.ts'
import { every, statsRow, statusLine, type Tone } from './parts.ts'
import { type PlayerState, play } from './player.ts'
import { streamGraphs } from './stream-graphs.ts'

export interface View {
  readonly element: HTMLElement
  close(): void
}

const tones: Readonly<Record<PlayerState['phase'], Tone>> = {
  connecting: 'busy',
  playing: 'live',
  waiting: 'idle',
  failed: 'bad',
}

const soundButton = (video: HTMLVideoElement): HTMLButtonElement => {
  const button = h('button', { class: 'control', type: 'button', id: 'sound' })
  const show = (): void => {
    button.replaceChildren(icon(video.muted ? 'muted' : 'sound'), video.muted ? 'Unmute' : 'Mute')
    button.classList.toggle('call', video.muted)
  }
  button.addEventListener('click', () => {
    video.muted = !video.muted
    void video.play().catch(() => undefined)
  })
  video.addEventListener('volumechange', show)
  show()
  return button
}

const fullButton = (stage: HTMLElement): HTMLButtonElement =>
  h(
    'button',
    {
      class: 'control',
      type: 'button',
      on: { click: () => void stage.requestFullscreen().catch(() => undefined) },
    },
    icon('full'),
    'Full screen',
  )

export const watchView = (name: string, rtmp: string | undefined): View => {
  // Muted at first: browsers start nothing with sound before the first click.
  const video = h('video', {
    id: 'player',
    autoplay: true,
    playsinline: true,
    'aria-label': `Live picture of ${name}`,
  })
  video.muted = true
  const veil = h('p', { class: 'veil' })
  const stage = h('div', { class: 'stage' }, video, veil)
  stage.append(h('div', { class: 'controls' }, soundButton(video), fullButton(stage)))
  const status = statusLine()
  const stats = statsRow()
  const graphs = streamGraphs(name)
  const player = play(name, video, ({ phase, words }) => {
    status.set(tones[phase], words)
    veil.textContent = words
    stage.dataset.phase = phase
  })
  let measured: RTCPeerConnection | undefined
  let meter = createMeter('inbound')
  const stopMeter = every(1000, async () => {
    const { peer } = player
    if (peer === undefined || peer.connectionState !== 'connected') return stats.set([])
    if (peer !== measured) meter = createMeter('inbound')
    measured = peer
    stats.set(await meter(peer))
  })
  const head = h('header', { class: 'title' }, h('h1', {}, name), status.element)
  return {
    element: h('div', { class: 'main' }, stage, head, stats.element, graphs.element, playLinks(name, rtmp)),
    close() {
      stopMeter()
      graphs.close()
      player.stop()
    },
  }
}
