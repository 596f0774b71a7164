/** One attempt after the other to send this browser's camera or screen, as state that a view shows. */
import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Status } from './parts.ts'
import { capture, type Publishing, publish, type Source } from './publisher.ts'

export interface PublishState {
  readonly status: Status
  /** Something is being captured or sent. */
  readonly busy: boolean
  readonly peer: () => RTCPeerConnection | undefined
  start(name: string, source: Source): void
  stop(): void
}

const idle = (words: string): Status => ({ tone: 'idle', words })

/** Captures into `video`, publishes, and ends when the view goes. */
export const usePublishing = (video: RefObject<HTMLVideoElement | null>): PublishState => {
  const [status, setStatus] = useState(idle('Ready'))
  const [busy, setBusy] = useState(false)
  const media = useRef<MediaStream | undefined>(undefined)
  const session = useRef<Publishing | undefined>(undefined)

  const end = (): void => {
    session.current?.close()
    for (const track of media.current?.getTracks() ?? []) track.stop()
    session.current = media.current = undefined
    if (video.current !== null) video.current.srcObject = null
    setBusy(false)
  }
  const fail = (words: string): void => {
    end()
    setStatus({ tone: 'bad', words })
  }
  const show = (captured: MediaStream): void => {
    media.current = captured
    if (video.current !== null) video.current.srcObject = captured
    setBusy(true)
    const [picture] = captured.getVideoTracks()
    picture?.addEventListener('ended', () => media.current === captured && fail('Sharing was ended'))
  }
  const run = async (name: string, source: Source): Promise<void> => {
    setStatus({
      tone: 'busy',
      words: source === 'camera' ? 'Asking for the camera' : 'Asking for the screen',
    })
    const captured = await capture(source)
    show(captured)
    setStatus({ tone: 'busy', words: 'Connecting' })
    const publishing = await publish(name, captured, source)
    if (media.current !== captured) return publishing.close()
    session.current = publishing
    setStatus({ tone: 'live', words: `Live as ${name}` })
    await publishing.lost
    if (session.current === publishing) fail('The connection to the gateway was lost')
  }
  useEffect(() => {
    addEventListener('pagehide', end)
    return () => {
      removeEventListener('pagehide', end)
      end()
    }
  }, [])
  return {
    status,
    busy,
    peer: () => session.current?.peer,
    start: (name, source) => void run(name, source).catch((error: Error) => fail(error.message)),
    stop: () => {
      end()
      setStatus(idle('Stopped'))
    },
  }
}
