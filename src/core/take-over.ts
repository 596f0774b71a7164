/** Who may take whose place on a name: the one rule of all protocols. */

/** The publisher that holds the name. */
export interface Holder {
  readonly label: string
  readonly credential: string | undefined
  /** Since its last media, or other sign of life. */
  readonly silentMs: number
}
export type Verdict =
  | { readonly takesOver: true }
  | { readonly takesOver: false; readonly why: string; readonly retryAfterS: number }

/** Another try may be worth it after so long, where nothing says when. */
export const patienceS = 5

/**
 * The same credential at once: an encoder that reconnects often meets its own dead session. Anybody else who may
 * publish once the holder has been silent for `afterMs` (0: never). One that sends is never displaced by another.
 */
export const judgeTakeOver = (holder: Holder, credential: string | undefined, afterMs: number): Verdict => {
  if (credential !== undefined && credential === holder.credential) return { takesOver: true }
  const silentMs = Math.round(holder.silentMs)
  if (afterMs > 0 && silentMs >= afterMs) return { takesOver: true }
  const rule =
    afterMs === 0
      ? 'only the same credentials may replace it'
      : `others may replace it after ${afterMs} ms of silence`
  const why = `${holder.label} was heard ${silentMs} ms ago; ${rule}`
  return { takesOver: false, why, retryAfterS: afterMs === 0 ? patienceS : Math.ceil(afterMs / 1000) }
}
