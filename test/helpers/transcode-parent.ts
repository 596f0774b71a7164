/** A program that runs a transcode for ever; a test kills it and looks for what it left behind. */
import { createOpusParams } from '../../src/media/opus/parameters.ts'
import type { Frame } from '../../src/media/types.ts'
import { openBench } from './transcode-bench.ts'

const params = createOpusParams(2)
/** 20 ms of silence as every Opus encoder may say it: CELT, full band, stereo, no energy. */
const silence = Uint8Array.of(0xfc, 0xff, 0xfe)
const bench = openBench({
  params,
  to: { kind: 'audio', codec: 'aac', form: 'frame', sampleRate: 48_000, channels: 2 },
})
let pts = 0
const frame = (): Frame => {
  pts += 960
  return {
    ...{ units: [silence], pts, dts: pts, duration: 960, key: true, params },
    ...{ discontinuity: false, arrival: 0 },
  }
}
setInterval(() => bench.write(frame()), 20)
await bench.until(() => bench.heard.length > 0)
process.stdout.write(`${bench.job.stats.pid}\n`)
