const SLAB_BYTES = 64 << 10
/** A quarter of a slab at most is lost at its end. */
const LARGEST_BYTES = SLAB_BYTES / 4

let slab = new ArrayBuffer(0)
let used = 0

/**
 * Memory for a message, whose bytes are zero. Small ones lie side by side: making a buffer of its own for each costs
 * more than reading it. A slab is free again when nobody holds any of its messages.
 */
export const allocate = (size: number): Uint8Array => {
  if (size > LARGEST_BYTES) return new Uint8Array(size)
  if (used + size > slab.byteLength) {
    slab = new ArrayBuffer(SLAB_BYTES)
    used = 0
  }
  used += size
  return new Uint8Array(slab, used - size, size)
}
