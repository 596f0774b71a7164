/** Payload types that need no rtpmap line (RFC 3551 6, only those a gateway can meet). */
const STATIC_CODECS: Readonly<Record<number, string>> = {
  0: 'PCMU/8000',
  3: 'GSM/8000',
  4: 'G723/8000',
  8: 'PCMA/8000',
  9: 'G722/8000',
  10: 'L16/44100/2',
  11: 'L16/44100',
  13: 'CN/8000',
  14: 'MPA/90000',
  18: 'G729/8000',
  26: 'JPEG/90000',
  31: 'H261/90000',
  32: 'MPV/90000',
  33: 'MP2T/90000',
  34: 'H263/90000',
}

/** The rtpmap value of a static payload type ("PCMU/8000"); undefined for dynamic ones. */
export const staticCodec = (payloadType: number): string | undefined => STATIC_CODECS[payloadType]
