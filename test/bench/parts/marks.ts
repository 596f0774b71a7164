/** Marks in the pictures and sounds of the bench's publisher, so that a reader need not understand what it reads. */
/** One more byte says of what. */
const sentMark = Buffer.from('cp:sent')
const [ofPicture, ofSound] = [0x3a, 0x2e]
const markBytes = sentMark.length + 1
const keyMark = Buffer.from('cp:key-pic')
const stampBytes = 8
const trailerBytes = markBytes + stampBytes

/** Bytes of a picture message: at 30 per second 2.4 Mbit/s with the key frames. */
export const PICTURE_BYTES = 9_600
export const KEY_PICTURE_BYTES = 40_000
export const PICTURES_PER_KEY = 60
const SOUND_BYTES = 342

/** FLV video body (AVC NALU): a key frame says so in front, and every picture ends with the time it was sent. */
export const createPicture = (isKey: boolean): Buffer => {
  const body = Buffer.alloc(isKey ? KEY_PICTURE_BYTES : PICTURE_BYTES, 0x5a)
  body.set([isKey ? 0x17 : 0x27, 1, 0, 0, 0])
  body.writeUInt32BE(body.length - 9, 5)
  body.set([isKey ? 0x65 : 0x41, 0x88], 9)
  if (isKey) body.set(keyMark, 16)
  mark(body, ofPicture)
  return body
}

/** FLV audio body (AAC raw) of 128 kbit/s; it ends with the time it was sent too. */
export const createSound = (): Buffer => {
  const body = Buffer.alloc(SOUND_BYTES, 0x21)
  body.set([0xaf, 1])
  mark(body, ofSound)
  return body
}

const mark = (body: Buffer, kind: number): void => {
  body.set(sentMark, body.length - trailerBytes)
  body[body.length - stampBytes - 1] = kind
}

/** Nanoseconds of the clock that all processes of this machine share. */
export const stamp = (message: Buffer, now = process.hrtime.bigint()): void => {
  message.writeBigUInt64BE(now, message.length - stampBytes)
}

export const holdsKeyMark = (bytes: Buffer): boolean => bytes.includes(keyMark)

/** Calls `found` with the sending time of every picture and sound that ends within the first `size` bytes, the last first. */
export const readStamps = (
  bytes: Buffer,
  size: number,
  found: (sent: bigint, isPicture: boolean) => void,
): void => {
  let from = size - trailerBytes
  while (from >= 0) {
    const at = bytes.lastIndexOf(sentMark, from)
    if (at < 0) return
    const isPicture = bytes[at + sentMark.length] === ofPicture
    found(bytes.readBigUInt64BE(at + markBytes), isPicture)
    from = at - (isPicture ? PICTURE_BYTES / 2 : trailerBytes)
  }
}
