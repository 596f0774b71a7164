/** One layer frame, in the parts in which its packets carried it. */
export type LayerFrame = readonly Uint8Array[]

const MAX_FRAMES = 8
const sizeOf = (layer: LayerFrame): number => layer.reduce((sum, part) => sum + part.length, 0)

/** The index behind the frames of a superframe, VP9 bitstream specification annex B. */
const buildIndex = (sizes: readonly number[]): Uint8Array => {
  const magnitude = Math.max(1, Math.ceil((32 - Math.clz32(Math.max(...sizes))) / 8))
  const marker = 0xc0 | ((magnitude - 1) << 3) | (sizes.length - 1)
  const little = sizes.flatMap(size => Array.from({ length: magnitude }, (_, i) => (size >>> (8 * i)) & 0xff))
  return Uint8Array.from([marker, ...little, marker])
}

/**
 * The frames of one picture as one unit: a superframe when there are several spatial layers.
 * @returns undefined when there are none, or more than a superframe can hold
 */
export const joinLayers = (layers: readonly LayerFrame[]): Uint8Array | undefined => {
  if (layers.length === 0 || layers.length > MAX_FRAMES) return undefined
  const index = layers.length === 1 ? new Uint8Array(0) : buildIndex(layers.map(sizeOf))
  const out = new Uint8Array(layers.reduce((sum, layer) => sum + sizeOf(layer), 0) + index.length)
  let at = 0
  for (const layer of layers) {
    for (const part of layer) {
      out.set(part, at)
      at += part.length
    }
  }
  out.set(index, at)
  return out
}
