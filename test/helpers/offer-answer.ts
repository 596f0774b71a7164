/** This end of a call for tests of offer and answer, and an agreement in one line of text. */
import type {
  AgreedLine,
  Agreement,
  LocalLine,
  LocalMedia,
  Refusal,
} from '../../src/adapters/sip/offer-answer/types.ts'

const key = (suite: LocalLine['keys'][number]['suite'], fill: number): LocalLine['keys'][number] => ({
  suite,
  keySalt: new Uint8Array(30).fill(fill),
})

export const audioLine = (changes: Partial<LocalLine> = {}): LocalLine => ({
  codecs: ['opus', 'g722', 'pcmu', 'pcma'],
  direction: 'sendrecv',
  port: 20_000,
  rtcpPort: 20_001,
  rtcpMux: true,
  keys: [key('AES_CM_128_HMAC_SHA1_80', 1), key('AES_CM_128_HMAC_SHA1_32', 2)],
  ptimesMs: [20],
  telephoneEvents: true,
  ...changes,
})

export const videoLine = (changes: Partial<LocalLine> = {}): LocalLine => ({
  ...audioLine(),
  codecs: ['h264'],
  port: 20_002,
  rtcpPort: 20_003,
  keys: [key('AES_CM_128_HMAC_SHA1_80', 3), key('AES_CM_128_HMAC_SHA1_32', 4)],
  telephoneEvents: false,
  ...changes,
})

export const localMedia = (changes: Partial<LocalMedia> = {}): LocalMedia => ({
  address4: '198.51.100.1',
  address6: '2001:db8::1',
  sessionId: 4711,
  srtp: 'optional',
  audio: audioLine(),
  video: videoLine(),
  ...changes,
})

const summaryOf = (line: AgreedLine): string => {
  const { codec, remote, events, srtp } = line
  const types = ({ send, receive }: AgreedLine['codec']['payloadTypes']): string =>
    send === receive ? String(send) : `${send}>${receive}`
  const parts = [
    `${line.index} ${codec.id} ${types(codec.payloadTypes)}`,
    ...(codec.packetizationMode === undefined ? [] : [`mode ${codec.packetizationMode}`]),
    ...events.map(each => `events ${types(each.payloadTypes)}@${each.clockRate}`),
    ...(line.kind === 'audio' ? [`${line.sendPtimeMs} ms`] : []),
    line.direction,
    ...(line.heldByPeer ? ['held'] : []),
    `${remote.address ?? 'a name'} ${remote.port}/${remote.rtcpPort}`,
    ...(line.rtcpMux ? ['mux'] : []),
    ...(srtp === undefined ? [] : [`srtp ${srtp.suite.slice(-2)}`]),
    ...line.feedback,
    ...(line.bandwidthKbps === undefined || line.kind === 'audio' ? [] : [`${line.bandwidthKbps} kbit/s`]),
  ]
  return parts.join(', ')
}

/** Lines agreed, then what was left out; or the refusal. */
export const summary = (result: Agreement | Refusal): readonly string[] =>
  result.outcome === 'refused'
    ? [`${result.code}/${result.warning} ${result.detail}`]
    : [...result.lines.map(summaryOf), ...result.leftOut.map(each => `- ${each}`)]
