/** What a page really shows and plays, measured inside Chromium. */
import type { Page } from 'playwright-core'

declare global {
  interface Window {
    connections: RTCPeerConnection[]
  }
}

/** Keeps every connection that the pages opened from now on make, so that its statistics can be read. */
export const captureConnections = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    window.connections = []
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args: ConstructorParameters<typeof RTCPeerConnection>) {
        super(...args)
        window.connections.push(this)
      }
    }
  })

export interface FrameCount {
  readonly decoded: number
  readonly dropped: number
  readonly width: number
  readonly height: number
  /** Between the first and the last look. */
  readonly seconds: number
}

/** How many frames the decoder gave out during `ms`, by the browser's own clock. */
export const countFrames = (page: Page, ms: number): Promise<FrameCount> =>
  page.evaluate(async wait => {
    const peer = window.connections.at(-1)!
    const read = async () => {
      const reports = [...(await peer.getStats()).values()]
      return reports.find(report => report.type === 'inbound-rtp' && report.kind === 'video')
    }
    const first = await read()
    await new Promise(resolve => setTimeout(resolve, wait))
    const last = await read()
    return {
      decoded: last.framesDecoded - first.framesDecoded,
      dropped: (last.framesDropped ?? 0) - (first.framesDropped ?? 0),
      width: last.frameWidth,
      height: last.frameHeight,
      seconds: (last.timestamp - first.timestamp) / 1000,
    }
  }, ms)

export interface Tone {
  readonly hertz: number
  /** dB of full scale. */
  readonly level: number
}

/** The strongest frequency of each channel of what #player plays: a 32 768-point FFT, its peak interpolated. */
export const measureTone = (page: Page): Promise<readonly Tone[]> =>
  page.evaluate(async () => {
    const size = 32_768
    const video = document.querySelector('#player') as HTMLVideoElement
    const context = new AudioContext({ sampleRate: 48_000 })
    await context.resume()
    const source = context.createMediaStreamSource(video.srcObject as MediaStream)
    const splitter = context.createChannelSplitter(2)
    source.connect(splitter)
    const analysers = [0, 1].map(channel => {
      const analyser = context.createAnalyser()
      analyser.fftSize = size
      analyser.smoothingTimeConstant = 0
      splitter.connect(analyser, channel)
      return analyser
    })
    // The window must be full of sound before it is looked at.
    const started = context.currentTime
    while (context.currentTime - started < (3 * size) / 48_000)
      await new Promise(resolve => setTimeout(resolve, 50))
    const tones = analysers.map(analyser => {
      const bins = new Float32Array(analyser.frequencyBinCount)
      analyser.getFloatFrequencyData(bins)
      const peak = bins.reduce((best, value, bin) => (value > bins[best]! ? bin : best), 0)
      const [left, top, right] = [bins[peak - 1]!, bins[peak]!, bins[peak + 1]!]
      const offset = (left - right) / (2 * (left - 2 * top + right))
      return { hertz: ((peak + offset) * 48_000) / size, level: top }
    })
    await context.close()
    return tones
  })
