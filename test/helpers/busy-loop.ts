/** An event loop whose turns last as long as a test says: timers first, then what came meanwhile, as Node has it. */
import type { Clock } from '../../src/core/types.ts'
import type { RtpPacket } from '../../src/media/types.ts'
import { rtpPacket, START_US } from './voice.ts'

export interface BusyLoop {
  /** Keeps one timer at a time. */
  readonly clock: Clock
  /** One turn; packets come every 20 ms, but for those with the numbers in `lost`. */
  turn(ms: number, lost?: readonly number[]): void
}

/** `stamp` gives the arrival of a packet that came at the first time and is read at the second, in microseconds. */
export const createBusyLoop = (
  read: (packet: RtpPacket) => void,
  stamp: (cameUs: number, readUs: number) => number,
): BusyLoop => {
  let now = START_US
  let timer: { readonly atUs: number; readonly run: () => void } | undefined
  let next = 0
  return {
    clock: {
      now: () => now,
      wall: () => now,
      after: (delayUs, run) => {
        const own = { atUs: now + delayUs, run }
        timer = own
        return () => {
          if (timer === own) timer = undefined
        }
      },
    },
    turn(ms, lost = []) {
      if (timer !== undefined && timer.atUs <= now) {
        const { run } = timer
        timer = undefined
        run()
      }
      for (let came = START_US + next * 20_000; came <= now; came = START_US + ++next * 20_000)
        if (!lost.includes(next))
          read(rtpPacket(new Uint8Array(160).fill(0xd5), next, next * 160, stamp(came, now)))
      now += ms * 1000
    },
  }
}
