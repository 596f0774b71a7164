/** Who publishes over RTMP here, and who may take whose place (a reconnecting encoder often meets its own dead session). */
import type { PlayPath } from './url.ts'

export interface Publisher {
  /** As `credentialOf` gives it. */
  readonly credential: string | undefined
  silentMs(): number
}

export interface Publishers {
  /** What to do when `stream` is live already. */
  conflict(stream: string, credential: string | undefined): 'reject' | 'take-over'
  /** Returns its removal. */
  add(stream: string, publisher: Publisher): () => void
}

/** undefined: the client showed none. */
export const credentialOf = ({ user, pass, token }: PlayPath): string | undefined =>
  user === undefined && pass === undefined && token === undefined
    ? undefined
    : JSON.stringify([user, pass, token])

/** `afterMs`: silence after which another one may take over; 0: nobody ever. */
export const createPublishers = (afterMs: number): Publishers => {
  const live = new Map<string, Publisher>()
  return {
    conflict: (stream, credential) => {
      const current = live.get(stream)
      if (current === undefined || afterMs === 0) return 'reject'
      const same = credential !== undefined && credential === current.credential
      return same || current.silentMs() >= afterMs ? 'take-over' : 'reject'
    },
    add: (stream, publisher) => {
      live.set(stream, publisher)
      return () => {
        if (live.get(stream) === publisher) live.delete(stream)
      }
    },
  }
}
