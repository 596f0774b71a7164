/** How much of a sound is one tone: 1 for nothing else, 0 for none of it. Silence counts as nothing. */
export const toneShare = (samples: Int16Array, rate: number, hertz: number): number => {
  const size = Math.round(rate / 10)
  let [tone, all] = [0, 0]
  for (let start = 0; start + size <= samples.length; start += size) {
    const step = (2 * Math.PI * hertz) / rate
    let [re, im, energy] = [0, 0, 0]
    for (let at = 0; at < size; at++) {
      const value = samples[start + at]! / 32_768
      re += value * Math.cos(step * at)
      im += value * Math.sin(step * at)
      energy += value * value
    }
    tone += (2 * (re * re + im * im)) / size
    all += energy
  }
  return all < 1e-6 * samples.length ? 0 : tone / all
}
