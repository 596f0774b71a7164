/** `youtube:KEY` and its like, and RTMP URLs that say what is wanted at their other end. */
import { GatewayError } from '../errors.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import type { RestreamConfig } from './config.ts'
import { type DestinationProfile, findProfile, PROFILES, type ServiceName } from './profiles.ts'

export interface Destination {
  /** For people and logs: no key. */
  readonly label: string
  readonly url: URL
  readonly backup: URL | undefined
  readonly profile: DestinationProfile
  /** Its address comes from the configuration. */
  readonly isService: boolean
}

const isService = (name: string): name is ServiceName => Object.hasOwn(PROFILES, name)

const ingest = (base: string, key: string): URL => new URL(`${base.replace(/\/+$/, '')}/${key}`)

/** What a text in place of a key stands for; throws when there is nothing. */
export type ReadSecret = (text: string) => string

const readKey = (given: string, read: ReadSecret): string => {
  try {
    return read(given)
  } catch (error) {
    throw new GatewayError('bad-config', (error as Error).message)
  }
}

/** A key goes into a URL as it is: it may hold a query, never a blank or a fragment. */
const parseService = (
  name: ServiceName,
  given: string,
  config: RestreamConfig,
  read: ReadSecret,
): Destination => {
  const key = readKey(given, read)
  if (!/^[\x21-\x7e]+$/.test(key) || /[#\\]/.test(key) || key.includes('://'))
    throw new GatewayError('bad-url', `${name}: is followed by the stream key alone`)
  const { url, backup } = config.profiles[name]
  return {
    label: `${name}:***`,
    url: ingest(url, key),
    backup: backup === null ? undefined : ingest(backup, key),
    profile: PROFILES[name].profile,
    isService: true,
  }
}

const parameters = ['profile', 'audio', 'keyframes', 'kbps', 'backup'] as const
type Wishes = Partial<Record<(typeof parameters)[number], string>>

const readWishes = (fragment: string): Wishes => {
  const wishes = Object.fromEntries(new URLSearchParams(fragment))
  for (const key of Object.keys(wishes))
    if (!(parameters as readonly string[]).includes(key))
      throw new GatewayError('bad-url', `behind # there may be ${parameters.join(', ')}, not ${key}`)
  return wishes
}

const number = (name: string, text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new GatewayError('bad-url', `${name} is a number above 0, not "${text}"`)
  return value
}

const readRates = (text: string): DestinationProfile['rates'] => {
  const [, min = '', max = ''] = /^(\d+)-(\d+)$/.exec(text) ?? []
  if (min === '') throw new GatewayError('bad-url', `kbps is MIN-MAX, not "${text}"`)
  return [{ height: 0, minKbps: Number(min), maxKbps: Number(max) }]
}

const readProfile = ({ profile = 'generic', audio, keyframes, kbps }: Wishes): DestinationProfile => {
  const found = findProfile(profile)
  if (found === undefined)
    throw new GatewayError(
      'bad-url',
      `there is no profile "${profile}", only generic, youtube, facebook, twitch`,
    )
  if (audio !== undefined && audio !== 'source' && audio !== 'always')
    throw new GatewayError('bad-url', `audio is always or source, not "${audio}"`)
  return {
    ...found,
    ...(audio === undefined ? {} : { needsAudio: audio === 'always' }),
    ...(keyframes === undefined ? {} : { keyframeMs: number('keyframes', keyframes) * 1000 }),
    ...(kbps === undefined ? {} : { rates: readRates(kbps) }),
  }
}

const readBackup = (text: string | undefined): URL | undefined => {
  if (text === undefined) return undefined
  if (!/^rtmps?:\/\//i.test(text) || !URL.canParse(text))
    throw new GatewayError('bad-url', 'backup is an rtmp: or rtmps: URL')
  return new URL(text)
}

/** `rtmp://host/app/key#profile=youtube&keyframes=2&backup=rtmp://…`: a plain URL has no profile. */
const parseWithProfile = (text: string, fragment: string): Destination | undefined => {
  const bare = text.slice(0, text.indexOf('#'))
  if (!URL.canParse(bare)) return undefined
  const wishes = readWishes(fragment)
  return {
    label: maskUrls(bare),
    url: new URL(bare),
    backup: readBackup(wishes.backup),
    profile: readProfile(wishes),
    isService: false,
  }
}

/**
 * undefined: neither a service nor a URL with a profile.
 * @throws GatewayError 'bad-url', without the key
 */
export const parseDestination = (
  text: string,
  config: RestreamConfig,
  read: ReadSecret = given => given,
): Destination | undefined => {
  const [, name = '', key = ''] = /^([a-z]+):(?!\/\/)(.*)$/is.exec(text) ?? []
  const service = name.toLowerCase()
  if (isService(service)) return parseService(service, key, config, read)
  const [, fragment] = /^rtmps?:\/\/[^#]*#(.*)$/i.exec(text) ?? []
  return fragment === undefined ? undefined : parseWithProfile(text, fragment)
}
