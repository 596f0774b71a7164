/** Keys travel in URLs (`rtmp://host/app/KEY?token=…`, `user:pass@`). Nothing that people read may show them. */
const urlPattern = /\b([a-z][a-z0-9+.-]*):\/\/([^\s"'<>\\]+)/gi
const mask = '***'

/** What plain RTP is told in a URL is no secret, but for a key. */
const isHarmless = (scheme: string, name: string): boolean => /^(rtp|udp)$/i.test(scheme) && name !== 'srtp'

const maskQuery = (scheme: string, query: string): string =>
  query
    .split('&')
    .map(pair => {
      const [name = ''] = pair.split('=', 1)
      if (isHarmless(scheme, name)) return pair
      return pair.includes('=') ? `${name}=${mask}` : mask
    })
    .join('&')

/** The first path segment is the RTMP application and stays, what follows is the key. */
const maskKey = (path: string): string => {
  const cut = path.indexOf('/', 1)
  return cut < 0 ? path : `${path.slice(0, cut)}/${mask}`
}

/** What a destination is to get is no secret; of its backup address the key is. */
const wishes: Readonly<Record<string, RegExp>> = {
  profile: /^(generic|youtube|facebook|twitch)$/,
  audio: /^(always|source)$/,
  keyframes: /^\d{1,3}(\.\d{1,3})?$/,
  kbps: /^\d{1,6}-\d{1,6}$/,
}
const maskWish = (pair: string): string => {
  const [name = '', value = ''] = pair.split('=', 2)
  if (wishes[name]?.test(value)) return pair
  return name === 'backup' && /^rtmps?:\/\//i.test(value) ? maskUrls(pair) : mask
}

const maskUrl = (_whole: string, scheme: string, all: string): string => {
  const cut = /^rtmp/i.test(scheme) ? all.indexOf('#') : -1
  if (cut < 0) return maskBare(scheme, all)
  return `${maskBare(scheme, all.slice(0, cut))}#${all
    .slice(cut + 1)
    .split('&')
    .map(maskWish)
    .join('&')}`
}

const maskBare = (scheme: string, rest: string): string => {
  const [, authority = '', path = '', query] = /^([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(rest) ?? []
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const user = authority.includes('@') ? `${mask}@` : ''
  const shownPath = /^rtmp/i.test(scheme) ? maskKey(path) : path
  return `${scheme}://${user}${host}${shownPath}${query === undefined ? '' : `?${maskQuery(scheme, query)}`}`
}

/** `youtube:KEY`: what stands directly behind the name of a service is a stream key. */
const servicePattern = /\b(youtube|facebook|twitch):(?!\/\/)[^\s"'<>\\,\]]+/gi

/** `sip:user:password@host`. */
const sipPattern = /\b(sips?:[^\s:@;/]+):[^\s@]+@/gi

/** Replaces credentials, stream keys and query values of every URL in a text by `***`. */
export const maskUrls = (text: string): string =>
  text.replace(urlPattern, maskUrl).replace(servicePattern, `$1:${mask}`).replace(sipPattern, `$1:${mask}@`)
