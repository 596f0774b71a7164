/** The payload of one audio track: parameters, and how long a packet lasts. One implementation a codec. */
import { createAacParams, parseAudioSpecificConfig } from '../aac/config.ts'
import { equalBytes } from '../bytes.ts'
import { createMp3Params, readMp3Header } from '../mp3/header.ts'
import { createOpusParams, parseOpusHead } from '../opus/parameters.ts'
import { readOpusDuration } from '../opus/toc.ts'
import type { AacParameters, CodecParameters, OpusParameters, PcmParameters } from '../types.ts'
import type { FlvPacket } from './packet.ts'

export interface AudioPayload {
  /** In force for the next packet, undefined until known. A new object only after a change of content. */
  readonly params: CodecParameters | undefined
  /** Takes a sequence header. Throws GatewayError when it cannot be read. */
  configure(record: Uint8Array): void
  /** Ticks that the packet lasts; undefined: damaged. May update `params`. */
  read(unit: Uint8Array, packet: FlvPacket): number | undefined
}

export const createAacPayload = (): AudioPayload => {
  let params: AacParameters | undefined
  let duration = 0
  return {
    get params() {
      return params
    },
    configure(record) {
      if (equalBytes(params?.config, record)) return
      duration = parseAudioSpecificConfig(record).frameSamples
      params = createAacParams(record)
    },
    read: () => duration,
  }
}

export const createOpusPayload = (): AudioPayload => {
  let params: OpusParameters | undefined
  return {
    get params() {
      return params
    },
    configure(record) {
      const next = parseOpusHead(record)
      if (params?.channels !== next.channels) params = next
    },
    read(unit) {
      // Some encoders leave the sequence start out; an Opus packet can be decoded without.
      params ??= createOpusParams()
      return readOpusDuration(unit)
    },
  }
}

/** FLV carries G.711 at 8 kHz only, and says the channels in each tag. */
export const createG711Payload = (codec: 'pcmu' | 'pcma'): AudioPayload => {
  let params: PcmParameters | undefined
  return {
    get params() {
      return params
    },
    configure() {},
    read(unit, packet) {
      const { channels } = packet
      if (params?.channels !== channels) params = { codec, kind: 'audio', clockRate: 8000, channels }
      return Math.floor(unit.length / channels)
    },
  }
}

/** MP3 says everything in the header of each frame. */
export const createMp3Payload = (): AudioPayload => {
  let params: PcmParameters | undefined
  return {
    get params() {
      return params
    },
    configure() {},
    read(unit) {
      const header = readMp3Header(unit)
      if (header === undefined) return undefined
      const { sampleRate, channels } = header
      if (params?.clockRate !== sampleRate || params.channels !== channels) {
        params = createMp3Params(sampleRate, channels)
      }
      return header.samples
    },
  }
}
