/** Marks in the pictures of the bench's publisher, so that a reader need not understand what it reads. */
const sentMark = Buffer.from('cp:sent:')
const keyMark = Buffer.from('cp:key-pic')
const stampBytes = 8

/** Bytes of a picture message: at 30 per second 2.4 Mbit/s with the key frames. */
export const PICTURE_BYTES = 9_600
export const KEY_PICTURE_BYTES = 40_000
export const PICTURES_PER_KEY = 60

/** FLV video body (AVC NALU): a key frame says so in front, and every picture ends with the time it was sent. */
export const createPicture = (isKey: boolean): Buffer => {
  const body = Buffer.alloc(isKey ? KEY_PICTURE_BYTES : PICTURE_BYTES, 0x5a)
  body.set([isKey ? 0x17 : 0x27, 1, 0, 0, 0])
  body.writeUInt32BE(body.length - 9, 5)
  body.set([isKey ? 0x65 : 0x41, 0x88], 9)
  if (isKey) body.set(keyMark, 16)
  body.set(sentMark, body.length - sentMark.length - stampBytes)
  return body
}

/** Nanoseconds of the clock that all processes of this machine share. */
export const stamp = (message: Buffer, now = process.hrtime.bigint()): void => {
  message.writeBigUInt64BE(now, message.length - stampBytes)
}

export const holdsKeyMark = (bytes: Buffer): boolean => bytes.includes(keyMark)

/** Calls `found` with the sending time of every picture that ends within the first `size` bytes, the last one first. */
export const readStamps = (bytes: Buffer, size: number, found: (sent: bigint) => void): void => {
  let from = size - sentMark.length - stampBytes
  while (from >= 0) {
    const at = bytes.lastIndexOf(sentMark, from)
    if (at < 0) return
    found(bytes.readBigUInt64BE(at + sentMark.length))
    from = at - PICTURE_BYTES / 2
  }
}
