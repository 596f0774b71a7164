/** Whom the user calls by name on the command line may be called: rules for outbound calls are for others. */
import type { ConfigInput } from '../config/config.ts'

interface Outbound {
  readonly domains?: readonly string[]
  readonly numbers?: readonly string[]
}
interface Section {
  readonly outbound?: Outbound
}

const partsOf = (url: string): { readonly user: string; readonly host: string } | undefined => {
  const [, user = '', host] =
    /^sips?:(?:\/\/)?(?:([^@:]*)(?::[^@]*)?@)?(\[[^\]]*\]|[^:;?/]+)/i.exec(url) ?? []
  return host === undefined ? undefined : { user: decodeURIComponent(user), host: host.toLowerCase() }
}

/** The configuration, with the far ends of these URLs allowed. */
export const allowDialled = (input: ConfigInput, urls: readonly string[]): ConfigInput => {
  const targets = urls.map(partsOf).filter(target => target !== undefined)
  if (targets.length === 0) return input
  const section = (input.sip ?? {}) as Section
  const { domains = [], numbers = [] } = section.outbound ?? {}
  const outbound = {
    ...section.outbound,
    domains: [...domains, ...targets.map(({ host }) => host)],
    numbers: [...numbers, ...targets.flatMap(({ user }) => (user === '' ? [] : [user]))],
  }
  return { ...input, sip: { ...section, outbound } }
}
