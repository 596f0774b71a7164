/** Interleaved sound with another number of channels, at the same loudness. */

const toMono = (pcm: Int16Array, channels: number): Int16Array => {
  const out = new Int16Array(pcm.length / channels)
  for (let i = 0; i < out.length; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += pcm[i * channels + channel]!
    out[i] = Math.round(sum / channels)
  }
  return out
}

/** The first channel in each: a mono sound stays in the middle. */
const spread = (pcm: Int16Array, channels: number): Int16Array => {
  const out = new Int16Array(pcm.length * channels)
  for (let i = 0; i < out.length; i++) out[i] = pcm[Math.floor(i / channels)]!
  return out
}

export const withChannels = (pcm: Int16Array, from: number, to: number): Int16Array => {
  if (from === to) return pcm
  const mono = from === 1 ? pcm : toMono(pcm, from)
  return to === 1 ? mono : spread(mono, to)
}
