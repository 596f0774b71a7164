/** Plays one stream over WHEP and keeps trying until told to stop. */
import { encodeName, Refusal } from './api.ts'
import { negotiate, type Session, untilConnected, untilLost } from './peer.ts'

export interface PlayerState {
  readonly phase: 'connecting' | 'playing' | 'waiting' | 'failed'
  /** For people. */
  readonly words: string
  /** What plays has no picture. */
  readonly soundOnly?: boolean
}

export interface Player {
  readonly peer: RTCPeerConnection | undefined
  stop(): void
}

const longestWaitMs = 8000
const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = window.setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })

const whyWaiting = (error: unknown, name: string): PlayerState => {
  if (!(error instanceof Refusal)) return { phase: 'failed', words: (error as Error).message }
  if (error.code === 'stream-offline')
    return { phase: 'waiting', words: `${name} is not live; waiting for it` }
  return { phase: 'failed', words: error.message }
}

/** `tell` hears every change of state, in words. */
export const play = (
  name: string,
  video: HTMLMediaElement,
  tell: (state: PlayerState) => void,
  kinds: readonly ('video' | 'audio')[] = ['video', 'audio'],
): Player => {
  const stopped = new AbortController()
  let session: Session | undefined
  let media = new MediaStream()

  const connect = async (): Promise<Session> => {
    const peer = new RTCPeerConnection()
    media = new MediaStream()
    for (const kind of kinds) peer.addTransceiver(kind, { direction: 'recvonly' })
    peer.addEventListener('track', ({ track }) => media.addTrack(track))
    try {
      const made = await negotiate(peer, `/whep/${encodeName(name)}`)
      // Not sooner: an element that waits for its first picture keeps the page from ever being loaded.
      video.srcObject = media
      return made
    } catch (error) {
      peer.close()
      throw error
    }
  }

  const attempt = async (): Promise<void> => {
    session = await connect()
    if (stopped.signal.aborted) return session.close()
    const lost = untilLost(session.peer)
    await untilConnected(session.peer)
    tell({ phase: 'playing', words: 'Live', soundOnly: media.getVideoTracks().length === 0 })
    await video.play().catch(() => undefined)
    await lost
    throw new Error('The connection was lost; trying again')
  }

  const run = async (): Promise<void> => {
    for (let tries = 0; !stopped.signal.aborted; tries++) {
      if (tries === 0) tell({ phase: 'connecting', words: 'Connecting' })
      const began = Date.now()
      await attempt().catch((error: unknown) => {
        session?.close()
        if (!stopped.signal.aborted) tell(whyWaiting(error, name))
      })
      if (Date.now() - began > 15_000) tries = 0
      await sleep(Math.min(longestWaitMs, 500 * 2 ** Math.min(tries, 4)), stopped.signal)
    }
  }

  void run()
  return {
    get peer() {
      return session?.peer
    },
    stop() {
      stopped.abort()
      session?.close()
      video.srcObject = null
    },
  }
}
