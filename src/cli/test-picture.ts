/** A moving test picture with a 1 kHz tone, made by ffmpeg and sent to the gateway's own RTMP door. */
import { systemClock } from '../core/clock.ts'
import { closable, createScope } from '../core/scope.ts'
import type { Closable } from '../core/types.ts'
import { type Child, startChild } from '../transcode/child.ts'
import { createRestartPolicy } from '../transcode/restart-policy.ts'

export interface TestPicture {
  readonly ffmpeg: string
  readonly url: string
  /** `1280x720` */
  readonly size: string
}

const argumentsOf = ({ size, url }: TestPicture): readonly string[] => [
  ...['-hide_banner', '-loglevel', 'error', '-nostats'],
  ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`],
  ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=1000:sample_rate=48000,volume=-12dB'],
  ...['-c:v', 'libx264', '-preset', 'superfast', '-tune', 'zerolatency', '-profile:v', 'baseline'],
  ...['-pix_fmt', 'yuv420p', '-g', '30', '-b:v', '2500k', '-maxrate', '2500k', '-bufsize', '2500k'],
  ...['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-f', 'flv', url],
]

/** ffmpeg leaves on `q`, closing its connection in order. */
const quit = async (child: Child): Promise<void> => {
  child.write(Buffer.from('q'))
  await child.stop()
}

/** Keeps it running until closed; closes by itself, as failed and with ffmpeg's own words, when it cannot. */
export const startTestPicture = (options: TestPicture): Closable => {
  const scope = createScope('test picture')
  const policy = createRestartPolicy()
  let child: Child | undefined
  let cancelRestart = (): void => undefined

  const start = (): void => {
    const startedUs = systemClock.now()
    const onExit = (why: string): void => {
      if (scope.signal.aborted) return
      const ranUs = systemClock.now() - startedUs
      const delayUs = policy.failed(ranUs, ranUs > 2_000_000)
      const words = child?.stderr.at(-1)
      const detail = `ffmpeg ${why}${words === undefined ? '' : `: ${words}`}`
      if (delayUs === undefined) void scope.close({ code: 'failed', detail })
      else cancelRestart = systemClock.after(delayUs, start)
    }
    child = startChild(options.ffmpeg, argumentsOf(options), systemClock, { onData: () => undefined, onExit })
  }
  scope.defer(async () => {
    cancelRestart()
    if (child !== undefined) await quit(child)
  })
  start()
  return closable(scope)
}
