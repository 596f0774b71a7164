/** What a tag is for, by a look at its first bytes: enough to start playing a file in its middle. */
import { createExHeader, readExHeader } from './ex-header.ts'
import type { FlvTag } from './types.ts'

export type TagRole = 'metadata' | 'config' | 'key' | 'frame'

const header = createExHeader()
const SEQUENCE_START = 0

const videoRole = (body: Uint8Array): TagRole => {
  const frame = ((body[0]! >> 4) & 7) === 1 ? 'key' : 'frame'
  if ((body[0]! & 0x80) === 0) return body[1] === 0 ? 'config' : frame
  return readExHeader(body, header, 6) && header.packetType === SEQUENCE_START ? 'config' : frame
}

const audioRole = (body: Uint8Array): TagRole => {
  const format = body[0]! >> 4
  if (format === 10) return body[1] === 0 ? 'config' : 'frame'
  if (format !== 9) return 'frame'
  return readExHeader(body, header, 5) && header.packetType === SEQUENCE_START ? 'config' : 'frame'
}

/** 'key' is a video tag from which decoding can start; empty tags are 'frame'. */
export const tagRole = ({ type, body }: FlvTag): TagRole => {
  if (type === 18) return 'metadata'
  if (body.length < 2) return 'frame'
  return type === 9 ? videoRole(body) : audioRole(body)
}
