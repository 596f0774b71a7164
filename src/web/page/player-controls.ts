/** The buttons on the picture. */
import { type ComponentChild, h, type RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Icon } from './icon.ts'

export const SoundButton = ({
  video,
}: {
  readonly video: RefObject<HTMLVideoElement | null>
}): ComponentChild => {
  const [muted, setMuted] = useState(true)
  useEffect(() => {
    const { current } = video
    const changed = (): void => setMuted(current?.muted ?? true)
    current?.addEventListener('volumechange', changed)
    return () => current?.removeEventListener('volumechange', changed)
  }, [video])
  const toggle = (): void => {
    if (video.current === null) return
    video.current.muted = !video.current.muted
    void video.current.play().catch(() => undefined)
  }
  return h(
    'button',
    { class: muted ? 'control wanted' : 'control', type: 'button', id: 'sound', onClick: toggle },
    h(Icon, { name: muted ? 'muted' : 'sound' }),
    muted ? 'Unmute' : 'Mute',
  )
}

export const FullScreenButton = ({
  stage,
}: {
  readonly stage: RefObject<HTMLElement | null>
}): ComponentChild => {
  const open = (): void => void stage.current?.requestFullscreen().catch(() => undefined)
  return h(
    'button',
    { class: 'control', type: 'button', onClick: open },
    h(Icon, { name: 'full' }),
    'Full screen',
  )
}
