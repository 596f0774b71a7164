/** What the visitor has in hand: a key or token, typed in or from the link that led here (`#/watch/live/cam?token=…`). */
const storageName = 'crosspoint-token'
const wanted = new EventTarget()

/** For this tab alone, and gone with it. */
export const keepToken = (token: string): void => sessionStorage.setItem(storageName, token)

/** Out of the address bar and into this tab alone, so that it is not copied along with the address. */
export const takeToken = (): void => {
  const [before = '', query = ''] = location.hash.split('?', 2)
  const token = new URLSearchParams(query).get('token')
  if (token === null) return
  keepToken(token)
  history.replaceState(null, '', before)
}

export const hasToken = (): boolean => sessionStorage.getItem(storageName) !== null

/** The request with the token, if there is one. */
export const withToken = (init: RequestInit = {}): RequestInit => {
  const token = sessionStorage.getItem(storageName)
  if (token === null) return init
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${token}`)
  return { ...init, headers }
}

/** The gateway refused for want of a key, in its words. */
export const tellTokenWanted = (why: string): void => {
  wanted.dispatchEvent(new CustomEvent('wanted', { detail: why }))
}

/** Returns the function that ends it. */
export const onTokenWanted = (tell: (why: string) => void): (() => void) => {
  const listener = (event: Event): void => tell((event as CustomEvent<string>).detail)
  wanted.addEventListener('wanted', listener)
  return () => wanted.removeEventListener('wanted', listener)
}
