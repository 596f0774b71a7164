/** Numbers of the NUT specification. */

export const FILE_ID = new TextEncoder().encode('nut/multimedia container\0')

const startCode = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
export const START_CODES = {
  main: startCode('4e4d7a561f5f04ad'),
  stream: startCode('4e5311405bf2f9db'),
  syncpoint: startCode('4e4be4adeeca4569'),
  index: startCode('4e58dd672f23e64e'),
  info: startCode('4e49ab68b596ba78'),
} as const

/** Every start code begins with this byte, which is never a frame code. */
export const START_CODE_BYTE = 0x4e

export const FLAG = {
  key: 1,
  codedPts: 8,
  streamId: 16,
  sizeMsb: 32,
  checksum: 64,
  reserved: 128,
  sideData: 256,
  headerIndex: 1024,
  matchTime: 2048,
  coded: 4096,
  invalid: 8192,
} as const

/** Packets whose forward pointer is above this carry a checksum of their header. */
export const LONG_PACKET = 4096

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc >>> 0
})
/** CRC-32 with generator 0x04C11DB7, most significant bit first, starting at 0. */
export const nutChecksum = (bytes: Uint8Array, start: number, end: number): number => {
  let crc = 0
  for (let i = start; i < end; i++) crc = (crc << 8) ^ table[(crc >>> 24) ^ bytes[i]!]!
  return crc >>> 0
}
