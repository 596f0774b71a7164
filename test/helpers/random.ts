/** A repeatable source of numbers in [0, n): the same seed gives the same run. */
export type Random = (below: number) => number

/** Mulberry32. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b_79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * below)
  }
}

const nasty = [0, 1, 0x7f, 0x80, 0xfe, 0xff]

/** A copy with a few bytes changed, cut, doubled or inserted. */
export const mutate = (seed: Uint8Array, random: Random): Uint8Array => {
  let bytes = seed.slice()
  for (let times = 1 + random(4); times > 0 && bytes.length > 0; times--) {
    const at = random(bytes.length)
    const end = Math.min(bytes.length, at + 1 + random(8))
    const choice = random(6)
    if (choice === 0) bytes[at] = random(256)
    else if (choice === 1) bytes[at] = nasty[random(nasty.length)]!
    else if (choice === 2) bytes[at]! ^= 1 << random(8)
    else if (choice === 3) bytes = bytes.slice(0, at)
    else if (choice === 4) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)])
    else bytes = Uint8Array.from([...bytes.subarray(0, end), ...bytes.subarray(at)])
  }
  return bytes
}
