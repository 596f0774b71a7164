/** Pieces of a byte stream, looked at as if they were one. Views that were handed out stay valid for ever. */
export interface ByteQueue {
  readonly length: number
  /** How many bytes were skipped since the start. */
  readonly position: number
  push(bytes: Uint8Array): void
  /**
   * The next `count` bytes as one view, `count` at most `length`. Pieces are joined at most once per call.
   */
  peek(count: number): Uint8Array
  skip(count: number): void
}

export const createByteQueue = (): ByteQueue => {
  let head: Uint8Array = new Uint8Array(0)
  let start = 0
  let rest: Uint8Array[] = []
  let length = 0
  let position = 0

  const join = (): void => {
    const joined = new Uint8Array(length)
    joined.set(head.subarray(start))
    let at = head.length - start
    for (const piece of rest) {
      joined.set(piece, at)
      at += piece.length
    }
    head = joined
    start = 0
    rest = []
  }

  return {
    get length() {
      return length
    },
    get position() {
      return position
    },
    push(bytes) {
      length += bytes.length
      if (start === head.length) {
        if (rest.length > 0) return void rest.push(bytes)
        head = bytes
        start = 0
      } else rest.push(bytes)
    },
    peek(count) {
      if (head.length - start < count) join()
      return head.subarray(start, start + count)
    },
    skip(count) {
      if (head.length - start < count) join()
      start += count
      position += count
      length -= count
    },
  }
}
