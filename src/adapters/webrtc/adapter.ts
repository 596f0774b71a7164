import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { closable } from '../../core/scope.ts'
import { GatewayError } from '../../errors.ts'
import { loadNative } from '../../native/index.ts'
import type { Adapter, AdapterContext, Capability, Listener } from '../adapter.ts'
import { isLoopback, localCandidates } from './candidates.ts'
import { type WebRtcConfig, webrtcConfig, webrtcReload } from './config.ts'
import { mountWebRtc } from './http.ts'
import { WebRtcPort } from './port.ts'
import type { Session } from './session.ts'

const capabilities: readonly Capability[] = [
  { codec: 'h264', form: 'rtp', note: 'no B-frames towards browsers' },
  { codec: 'vp8', form: 'rtp' },
  { codec: 'vp9', form: 'rtp' },
  { codec: 'av1', form: 'rtp' },
  { codec: 'h265', form: 'rtp', note: 'where the browser offers it' },
  { codec: 'opus', form: 'rtp' },
  { codec: 'pcmu', form: 'rtp' },
  { codec: 'pcma', form: 'rtp' },
  { codec: 'g722', form: 'rtp' },
]

const resolveHost = async (host: string): Promise<string> => {
  if (isIP(host) !== 0) return host
  const found = await lookup(host).catch((cause: unknown) => {
    throw new GatewayError('bad-config', `webrtc.listen: ${host} has no address`, { cause })
  })
  return found.address
}

const warnUnreachable = ({ log }: AdapterContext, host: string, { advertise }: WebRtcConfig): void => {
  const outside = advertise.map(({ ip }) => ip).filter(ip => !isLoopback(ip))
  if (isLoopback(host) && outside.length > 0)
    log.warn(
      { host, advertise: outside },
      `webrtc.advertise names ${outside.join(', ')}, but webrtc.listen is ${host}, which only this machine reaches`,
    )
}

const listen = async (context: AdapterContext, config: WebRtcConfig): Promise<Listener | undefined> => {
  if (config.listen === null) return undefined
  const host = await resolveHost(config.listen.host)
  warnUnreachable(context, host, config)
  const scope = context.scope.child('webrtc')
  const port = new WebRtcPort({
    native: loadNative(),
    clock: context.clock,
    host,
    port: config.listen.port,
    connectTimeoutUs: config.connectTimeoutMs * 1000,
  })
  scope.defer(() => port.close())
  const candidates = localCandidates(host, port.socket.port, config.advertise, networkInterfaces())
  const sessions = new Map<string, Session>()
  mountWebRtc(context.http, { context: { ...context, scope }, config, port, candidates, sessions })
  const told = candidates.map(({ ip, port: at }) => `${ip}:${at}`).join(', ')
  context.log.info(
    { candidates: told, receiveBufferBytes: port.socket.receiveBufferBytes },
    `webrtc on udp ${host}:${port.socket.port}, clients are told ${told}`,
  )
  return { ...closable(scope), address: host, port: port.socket.port }
}

/** Browsers publish by WHIP and watch by WHEP; all media on one UDP port. */
export const webrtc: Adapter<WebRtcConfig> = {
  name: 'webrtc',
  schemes: [],
  config: webrtcConfig,
  reload: webrtcReload,
  ingests: capabilities,
  egresses: capabilities,
  listen,
}
