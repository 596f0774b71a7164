/**
 * A scripted WebRTC client: every step is a call, so tests can do each of them wrongly. STUN messages are made by
 * werift, an implementation that is not ours; DTLS and SRTP are the client role of src/native.
 */
import { randomBytes } from 'node:crypto'
import { classes, Message, methods, parseMessage } from 'werift'
import { readRtcp } from '../../src/media/rtcp/read.ts'
import type { RtcpPacket } from '../../src/media/rtcp/types.ts'
import { writeRtcp } from '../../src/media/rtcp/write.ts'
import { attributeOf } from '../../src/media/sdp/attributes.ts'
import { parseSdp } from '../../src/media/sdp/parse.ts'
import { loadNative } from '../../src/native/index.ts'
import type { Certificate, DtlsResult, DtlsSession, SrtpContext, UdpSocket } from '../../src/native/types.ts'

export interface PeerOptions {
  readonly direction: 'sendonly' | 'recvonly'
  /** Fingerprint put into the offer in place of the true one. */
  readonly fingerprint?: string
  readonly rtx?: boolean
  /** Lines put behind each m-line. */
  readonly extra?: readonly string[]
}

export interface CheckOptions {
  readonly username?: string
  readonly password?: string | undefined
  readonly useCandidate?: boolean
  readonly socket?: UdpSocket
}

export const VIDEO_PT = 96
export const RTX_PT = 97
export const AUDIO_PT = 111

/** An RTP packet with a header of 12 bytes. */
export const rtpBytes = (fields: {
  readonly ssrc: number
  readonly seq: number
  readonly ts: number
  readonly pt: number
  readonly marker?: boolean
  readonly payload: Uint8Array
}): Buffer => {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = (fields.marker === true ? 0x80 : 0) | fields.pt
  header.writeUInt16BE(fields.seq & 0xffff, 2)
  header.writeUInt32BE(fields.ts >>> 0, 4)
  header.writeUInt32BE(fields.ssrc, 8)
  return Buffer.concat([header, fields.payload])
}

/** Waits until `done` holds; polls, and fails with `what` after the deadline. */
export const until = async (what: string, done: () => boolean, timeoutMs = 15_000): Promise<void> => {
  const deadline = performance.now() + timeoutMs
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

export class TestPeer implements AsyncDisposable {
  readonly ufrag = randomBytes(4).toString('hex')
  readonly pwd = randomBytes(16).toString('hex')
  readonly socket: UdpSocket
  readonly certificate: Certificate
  readonly options: PeerOptions
  dtls: DtlsSession
  srtp: SrtpContext | undefined
  dtlsState: DtlsResult['state'] = 'handshaking'
  /** Datagrams as they came, by kind. */
  readonly stunResponses: Buffer[] = []
  readonly rtp: Buffer[] = []
  readonly rtcp: RtcpPacket[] = []
  /** The same, one entry per part of a compound, as bytes. */
  readonly rawRtcp: Buffer[] = []
  /** RTP packets that did not authenticate or came twice. */
  refusedRtp = 0
  /** Called with each decrypted RTP packet. */
  onRtp: ((bytes: Buffer) => void) | undefined
  /** true: the packet is lost on its way to us. */
  loses: (bytes: Buffer) => boolean = () => false
  /** true: DTLS that comes in is not read. */
  isDeaf = false
  remoteUfrag = ''
  remotePwd = ''
  remotePort = 0
  readonly sockets: UdpSocket[] = []

  constructor(options: PeerOptions) {
    this.options = options
    this.certificate = loadNative().createCertificate()
    this.socket = this.openSocket()
    this.dtls = this.#createDtls('sha-256', new Array(32).fill('00').join(':'))
  }

  /** A further socket: another address of this peer, or a stranger's. */
  openSocket(): UdpSocket {
    const socket = loadNative().openUdp({ host: '127.0.0.1', port: 0 })
    socket.onBatch(batch => {
      for (let i = 0; i < batch.count; i++) {
        const offset = batch.offsets[i]!
        this.#received(Buffer.from(batch.slab.subarray(offset, offset + batch.lengths[i]!)))
      }
    })
    this.sockets.push(socket)
    return socket
  }

  get offer(): string {
    const {
      direction,
      rtx = false,
      fingerprint = this.certificate.fingerprintSha256,
      extra = [],
    } = this.options
    const section = (kind: string, mid: number, types: string, lines: readonly string[]): string[] => [
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${types}`,
      'c=IN IP4 0.0.0.0',
      `a=mid:${mid}`,
      `a=${direction}`,
      `a=ice-ufrag:${this.ufrag}`,
      `a=ice-pwd:${this.pwd}`,
      `a=fingerprint:sha-256 ${fingerprint}`,
      'a=setup:actpass',
      'a=rtcp-mux',
      'a=rtcp-rsize',
      ...extra,
      ...lines,
    ]
    const feedback = ['nack', 'nack pli', 'ccm fir'].map(item => `a=rtcp-fb:${VIDEO_PT} ${item}`)
    const rtxLines = rtx ? [`a=rtpmap:${RTX_PT} rtx/90000`, `a=fmtp:${RTX_PT} apt=${VIDEO_PT}`] : []
    return [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      'a=group:BUNDLE 0 1',
      ...section('video', 0, rtx ? `${VIDEO_PT} ${RTX_PT}` : String(VIDEO_PT), [
        `a=rtpmap:${VIDEO_PT} H264/90000`,
        `a=fmtp:${VIDEO_PT} packetization-mode=1;profile-level-id=42e01f`,
        ...feedback,
        ...rtxLines,
      ]),
      ...section('audio', 1, String(AUDIO_PT), [`a=rtpmap:${AUDIO_PT} opus/48000/2`]),
      '',
    ].join('\r\n')
  }

  /** Posts the offer and takes the answer in. */
  async post(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', ...headers },
      body: this.offer,
    })
    if (response.status === 201) this.take(await response.clone().text())
    return response
  }

  take(answer: string): void {
    const media = parseSdp(answer).media.find(section => section.port !== 0)!
    this.remoteUfrag = attributeOf(media, 'ice-ufrag')!
    this.remotePwd = attributeOf(media, 'ice-pwd')!
    this.remotePort = Number(attributeOf(media, 'candidate')!.split(' ')[5])
    const [algorithm = '', value = ''] = attributeOf(media, 'fingerprint')!.split(' ')
    this.dtls.free()
    this.dtls = this.#createDtls(algorithm, value)
  }

  checkBytes({ username, password, useCandidate = true }: CheckOptions = {}): Buffer {
    const message = new Message(methods.BINDING, classes.REQUEST)
    message.setAttribute('USERNAME', username ?? `${this.remoteUfrag}:${this.ufrag}`)
    message.setAttribute('PRIORITY', 1845501695).setAttribute('ICE-CONTROLLING', 1n)
    if (useCandidate) message.setAttribute('USE-CANDIDATE', null)
    return message.addMessageIntegrity(Buffer.from(password ?? this.remotePwd)).addFingerprint().bytes
  }

  sendFrom(socket: UdpSocket, bytes: Uint8Array): void {
    socket.send(socket.intern('127.0.0.1', this.remotePort), bytes)
  }

  /** One connectivity check; resolves when the response with our password came. */
  async check(options: CheckOptions = {}): Promise<void> {
    const before = this.stunResponses.length
    this.sendFrom(options.socket ?? this.socket, this.checkBytes(options))
    await until('a STUN response', () => this.stunResponses.length > before)
    const answer = parseMessage(this.stunResponses.at(-1)!, Buffer.from(this.remotePwd))
    if (answer?.messageClass !== classes.RESPONSE) throw new Error('the STUN response is wrong')
  }

  /** Checks, then shakes hands. */
  async connect(): Promise<void> {
    await this.check()
    this.shakeHands()
    await until('the DTLS handshake', () => this.dtlsState !== 'handshaking')
  }

  /** Sends the first flight; the others follow as answers come. */
  shakeHands(): void {
    this.#step(this.dtls.start())
  }

  send(bytes: Uint8Array): void {
    this.sendFrom(this.socket, bytes)
  }

  protect(packet: Uint8Array): Buffer {
    const out = Buffer.alloc(packet.length + 20)
    return out.subarray(0, this.srtp!.protectRtp(packet, packet.length, out))
  }

  sendRtp(packet: Uint8Array): void {
    this.send(this.protect(packet))
  }

  sendRtcp(packets: readonly RtcpPacket[]): void {
    const plain = writeRtcp(packets)
    const out = Buffer.alloc(plain.length + 20)
    this.send(out.subarray(0, this.srtp!.protectRtcp(plain, plain.length, out)))
  }

  /** RTCP packets of one type that came so far. */
  received<T extends RtcpPacket['type']>(type: T): Extract<RtcpPacket, { type: T }>[] {
    return this.rtcp.filter((packet): packet is Extract<RtcpPacket, { type: T }> => packet.type === type)
  }

  closeDtls(): void {
    for (const datagram of this.dtls.close()) this.send(datagram)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.close()
    this.dtls.free()
    this.srtp?.free()
  }

  #createDtls(algorithm: string, value: string): DtlsSession {
    const fingerprints = [{ algorithm, value }]
    return loadNative().createDtls({ certificate: this.certificate, role: 'client', fingerprints })
  }

  #step(result: DtlsResult): void {
    for (const datagram of result.out) this.send(datagram)
    this.dtlsState = result.state
    if (result.keys !== undefined) this.srtp = loadNative().createSrtp(result.keys)
  }

  #received(bytes: Buffer): void {
    const first = bytes[0]!
    if (first <= 3) this.stunResponses.push(bytes)
    else if (first >= 20 && first <= 63) {
      if (!this.isDeaf) this.#step(this.dtls.feed(bytes))
    } else if (this.srtp !== undefined) this.#media(bytes, this.srtp)
  }

  #media(bytes: Buffer, srtp: SrtpContext): void {
    const isRtcp = bytes[1]! >= 192 && bytes[1]! <= 223
    if (!isRtcp && this.loses(bytes)) return
    const size = isRtcp
      ? srtp.unprotectRtcp(bytes, 0, bytes.length)
      : srtp.unprotectRtp(bytes, 0, bytes.length)
    if (size < 0) {
      if (!isRtcp) this.refusedRtp++
      return
    }
    const plain = bytes.subarray(0, size)
    if (isRtcp) this.#control(plain)
    else {
      this.rtp.push(plain)
      this.onRtp?.(plain)
    }
  }

  #control(compound: Buffer): void {
    this.rtcp.push(...readRtcp(compound))
    for (let at = 0; at < compound.length; at += 4 + compound.readUInt16BE(at + 2) * 4)
      this.rawRtcp.push(compound.subarray(at))
  }
}
