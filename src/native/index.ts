/**
 * L1. The one typed door to the addon. It is loaded on first use, so that whoever only speaks RTMP starts without it.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { GatewayError, toGatewayError } from '../errors.ts'
import { measureClockOffsetUs } from './clock-offset.ts'
import { createDgramPool } from './dgram-pool.ts'
import { openDgramUdp } from './dgram-udp.ts'
import { codeOf, opening, toUdpPool } from './opening.ts'
import { createPlainFanOut } from './plain-fan-out.ts'
import { createTimedSender } from './timed-sender.ts'
import type {
  DtlsOptions,
  DtlsSession,
  FanOut,
  Native,
  PacedSender,
  RawPool,
  UdpPool,
  UdpSocket,
  UdpSocketOptions,
} from './types.ts'

/** Without the batch system calls the addon has no sockets: node:dgram moves the datagrams then. */
type Addon = Pick<Native, 'createCertificate' | 'createDtls' | 'createSrtp'> &
  Partial<Pick<Native, 'openUdp' | 'createFanOut' | 'writeTcp' | 'readTcp' | 'createPacedSender'>> & {
    createUdpPool?(clockOffsetUs: number): RawPool
  }

/** In a checkout beside this file; in the package this file is in dist/native and the addon in src/native. */
const places = ['./build/Release/crosspoint.node', '../../src/native/build/Release/crosspoint.node']

const findAddon = (): string => {
  const found = places.map(place => fileURLToPath(new URL(place, import.meta.url))).find(existsSync)
  if (found !== undefined) return found
  throw new GatewayError(
    'dependency-missing',
    'the native addon is not built: run `npm rebuild crosspoint` (in a checkout: `npm ci`)',
  )
}

const loadAddon = (): Addon => {
  const path = findAddon()
  try {
    return createRequire(import.meta.url)(path) as Addon
  } catch (thrown) {
    throw toGatewayError(thrown, 'dependency-missing')
  }
}

/** A burst of key frames to hundreds of viewers; the kernel grants what its limits allow. */
const BUFFER_BYTES = 8 * 1024 * 1024

const openUdp = (addon: Addon, options: UdpSocketOptions): UdpSocket =>
  opening(options, () =>
    (addon.openUdp ?? openDgramUdp)({
      receiveBufferBytes: BUFFER_BYTES,
      sendBufferBytes: BUFFER_BYTES,
      ...options,
    }),
  )

const createUdpPool = (addon: Addon): UdpPool =>
  toUdpPool(addon.createUdpPool?.(measureClockOffsetUs()) ?? createDgramPool())

const createDtls = (addon: Addon, options: DtlsOptions): DtlsSession => {
  try {
    return addon.createDtls(options)
  } catch (thrown) {
    throw toGatewayError(thrown, codeOf(thrown) === 'ERR_FINGERPRINT' ? 'bad-request' : 'internal')
  }
}

const createNative = (addon: Addon): Native => ({
  openUdp: options => openUdp(addon, options),
  createUdpPool: () => createUdpPool(addon),
  createPacedSender: (pool): PacedSender => (addon.createPacedSender ?? createTimedSender)(pool),
  createCertificate: () => addon.createCertificate(),
  createDtls: options => createDtls(addon, options),
  createSrtp: keys => addon.createSrtp(keys),
  createFanOut: (socket): FanOut => (addon.createFanOut ?? createPlainFanOut)(socket),
  ...(addon.writeTcp === undefined ? {} : { writeTcp: addon.writeTcp }),
  ...(addon.readTcp === undefined ? {} : { readTcp: addon.readTcp }),
})

let loaded: Native | undefined

/** The addon, loaded once. Throws GatewayError 'dependency-missing' when it was not built. */
export const loadNative = (): Native => {
  loaded ??= createNative(loadAddon())
  return loaded
}
