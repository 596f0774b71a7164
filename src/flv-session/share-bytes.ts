import type { FlvMessage } from './types.ts'

/**
 * What a protocol makes of a message, made once for all its readers: fan-out is synchronous, they ask one after the
 * other, so that one entry is cache enough. Only what recurs is kept, as long as the message is.
 */
export const shareBytes = (
  make: (message: FlvMessage) => Uint8Array,
): ((message: FlvMessage) => Uint8Array) => {
  let last: FlvMessage | undefined
  let lastBytes: Uint8Array = new Uint8Array(0)
  const recurring = new WeakMap<FlvMessage, Uint8Array>()

  const recur = (message: FlvMessage): Uint8Array => {
    let bytes = recurring.get(message)
    if (bytes === undefined) {
      bytes = make(message)
      recurring.set(message, bytes)
    }
    return bytes
  }

  return message => {
    if (message === last) return lastBytes
    if (message.recurs) return recur(message)
    if (message.role === 'metadata') return make(message) // each reader has its own
    last = message
    lastBytes = make(message)
    return lastBytes
  }
}
