/** From the URL of a source to what it describes. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Publication } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import type { AdapterContext, PulledSource } from '../adapter.ts'
import type { RtpConfig } from './config.ts'
import type { SourceDescription } from './description.ts'
import { ingestRtp } from './ingest.ts'
import { parseSdpSource } from './sdp-source.ts'
import { pullUdp } from './udp-source.ts'
import { parseRtpUrl } from './url.ts'

const INLINE = /^application\/sdp(?:;[^,]*)?,/i

/** `sdp:///path/camera.sdp`: what a file name that ends in .sdp becomes. @throws GatewayError 'bad-url', 'not-found' */
const readSdpFile = async (url: URL): Promise<{ text: string; label: string }> => {
  if (url.host !== '' || !url.pathname.startsWith('/'))
    throw new GatewayError('bad-url', 'a session description is given by the name of its file')
  const plain = new URL(`file://${url.pathname}`)
  const path = fileURLToPath(plain)
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw new GatewayError('not-found', `the file ${path}`, { cause })
    throw new GatewayError('io-failed', `${path}: ${cause.message}`, { cause })
  })
  return { text, label: path.slice(path.lastIndexOf('/') + 1) }
}

/** `data:application/sdp,v%3D0…`: what a description in a request becomes. */
const readInline = (url: URL): { text: string; label: string } => {
  const text = url.pathname + url.search
  if (!INLINE.test(text)) throw new GatewayError('bad-url', 'a data: source is data:application/sdp,…')
  const body = text.replace(INLINE, '')
  const isBase64 = /^[^,]*;base64,/i.test(text)
  const plain = isBase64 ? Buffer.from(body, 'base64').toString('utf8') : decodeURIComponent(body)
  return { text: plain, label: 'session description' }
}

const describe = async (url: URL, config: RtpConfig): Promise<SourceDescription> => {
  if (url.protocol === 'rtp:') return parseRtpUrl(url, config)
  if (url.protocol === 'data:') {
    const { text, label } = readInline(url)
    return parseSdpSource(text, label, new URLSearchParams(), config)
  }
  const { text, label } = await readSdpFile(url)
  return parseSdpSource(text, label, url.searchParams, config)
}

/** @throws GatewayError 'bad-url', 'malformed', 'unsupported-codec', 'not-found', 'io-failed', 'port-in-use' */
export const pullRtp = async (
  context: AdapterContext,
  config: RtpConfig,
  url: URL,
  publication: Publication,
): Promise<PulledSource> =>
  url.protocol === 'udp:'
    ? pullUdp(context, config, url, publication)
    : ingestRtp(context, config, await describe(url, config), publication)
