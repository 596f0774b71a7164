/** What the visitor has in hand: a key or token, typed in or from the link that led here (`#/watch/live/cam?token=…`). */
const storageName = 'crosspoint-token'

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

/** The request with the token, if there is one. */
export const withToken = (init: RequestInit = {}): RequestInit => {
  const token = sessionStorage.getItem(storageName)
  if (token === null) return init
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${token}`)
  return { ...init, headers }
}
