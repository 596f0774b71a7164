/** This visitor in a call: the microphone goes to it as a stream (WHIP), and what comes from it is played (WHEP). */
import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Status } from './parts.ts'
import { type Player, play } from './player.ts'
import { capture, type Publishing, publish } from './publisher.ts'

export interface TalkPlan {
  /** The name that the microphone is published under. */
  readonly speakAs: string
  /** Makes the call hear it; gives the stream that comes from the call. */
  readonly join: () => Promise<string | null>
  /** What is undone when this visitor stops talking. */
  readonly leave: () => Promise<void>
}
export interface Talking {
  readonly status: Status
  /** What `start` was given; undefined: not talking. */
  readonly speakAs: string | undefined
  start(plan: TalkPlan): void
  stop(): void
}

const quiet: Status = { tone: 'idle', words: '' }

/** One conversation at a time, heard from `speaker`; it ends when the view goes. */
export const useTalking = (speaker: RefObject<HTMLAudioElement | null>): Talking => {
  const [status, setStatus] = useState(quiet)
  const [speakAs, setSpeakAs] = useState<string>()
  const media = useRef<MediaStream | undefined>(undefined)
  const session = useRef<Publishing | undefined>(undefined)
  const player = useRef<Player | undefined>(undefined)
  const current = useRef<TalkPlan | undefined>(undefined)

  const end = (): void => {
    void current.current?.leave().catch(() => undefined)
    player.current?.stop()
    session.current?.close()
    for (const track of media.current?.getTracks() ?? []) track.stop()
    current.current = player.current = session.current = media.current = undefined
    setSpeakAs(undefined)
  }
  const stop = (): void => {
    end()
    setStatus(quiet)
  }
  const fail = (error: Error): void => {
    end()
    setStatus({ tone: 'bad', words: error.message })
  }
  const run = async (plan: TalkPlan): Promise<void> => {
    end()
    setSpeakAs(plan.speakAs)
    setStatus({ tone: 'busy', words: 'Asking for the microphone' })
    media.current = await capture('microphone')
    setStatus({ tone: 'busy', words: 'Connecting' })
    const publishing = await publish(plan.speakAs, media.current, 'microphone')
    session.current = publishing
    current.current = plan
    const heard = await plan.join()
    if (session.current !== publishing) return
    setStatus({ tone: 'live', words: 'You are heard in the call' })
    if (heard !== null && speaker.current !== null)
      player.current = play(heard, speaker.current, () => undefined, ['audio'])
    await publishing.lost
    if (session.current === publishing) fail(new Error('The connection to the gateway was lost'))
  }
  useEffect(() => {
    addEventListener('pagehide', end)
    return () => {
      removeEventListener('pagehide', end)
      end()
    }
  }, [])
  return { status, speakAs, start: plan => void run(plan).catch(fail), stop }
}
