/** The player: a picture, what is going on in words and numbers, and where else the stream plays. */
import { type ComponentChild, h } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type LinksProps, PlayLinks } from './links.ts'
import type { Tone } from './parts.ts'
import { StatusLine } from './parts.ts'
import { PeerStats } from './peer-stats.ts'
import { type Player, type PlayerState, play } from './player.ts'
import { FullScreenButton, SoundButton } from './player-controls.ts'
import { SoundWave } from './sound-wave.ts'
import { StreamGraphs } from './stream-graphs.ts'

const tones: Readonly<Record<PlayerState['phase'], Tone>> = {
  connecting: 'busy',
  playing: 'live',
  waiting: 'idle',
  failed: 'bad',
}

/** One for each stream: give it the name as `key`. */
export const WatchView = ({ name, rtmp }: LinksProps): ComponentChild => {
  const video = useRef<HTMLVideoElement>(null)
  const stage = useRef<HTMLDivElement>(null)
  const player = useRef<Player | undefined>(undefined)
  const [{ phase, words, soundOnly = false }, setState] = useState<PlayerState>({
    phase: 'connecting',
    words: 'Connecting',
  })
  useEffect(() => {
    const element = video.current
    if (element === null) return
    // Muted at first: browsers start nothing with sound before the first click.
    element.muted = true
    const started = play(name, element, setState)
    player.current = started
    addEventListener('pagehide', started.stop)
    return () => {
      removeEventListener('pagehide', started.stop)
      started.stop()
    }
  }, [name])
  const picture = h('video', {
    ref: video,
    id: 'player',
    autoplay: true,
    playsInline: true,
    'aria-label': `Live ${soundOnly ? 'sound' : 'picture'} of ${name}`,
  })
  const peer = (): RTCPeerConnection | undefined => player.current?.peer
  const full = soundOnly ? null : h(FullScreenButton, { stage })
  const controls = h('div', { class: 'controls' }, h(SoundButton, { video }), full)
  return h(
    'div',
    { class: 'main' },
    h(
      'div',
      { ref: stage, class: 'stage', 'data-phase': phase, 'data-sound-only': soundOnly || undefined },
      picture,
      soundOnly && h(SoundWave, { peer, player: video }),
      h('p', { class: 'veil' }, words),
      controls,
    ),
    h('header', { class: 'title' }, h('h1', {}, name), h(StatusLine, { tone: tones[phase], words })),
    h(PeerStats, { direction: 'inbound', peer }),
    h(StreamGraphs, { name }),
    h(PlayLinks, { name, rtmp }),
  )
}
