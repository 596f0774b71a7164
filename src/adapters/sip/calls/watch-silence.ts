/** A far side that sends nothing has gone, whatever its signalling says. */
import type { Call } from './call.ts'

/** Who is on hold, or was told only to listen, need not send. */
const mayBeSilent = ({ hold, media }: Call): boolean => {
  const direction = media.lines[0]?.direction
  return hold !== 'none' || direction === 'sendonly' || direction === 'inactive'
}

/** To be called once a second. `nowUs`: monotonic. */
export const watchSilence = (call: Call, nowUs: number): void => {
  if (call.state !== 'live') return
  const { silenceMs, heldSilenceMs } = call.board.config.timeouts
  const silentMs = (nowUs - call.media.lastPacketAt) / 1000
  if (silentMs < (mayBeSilent(call) ? heldSilenceMs : silenceMs)) return
  const detail = `nothing was received for ${Math.round(silentMs)} ms`
  void call.end({ code: 408, by: 'us', detail })
}
