/** Which view is shown: the part of the address behind the #. */
import { useEffect, useState } from 'preact/hooks'
import { takeToken } from './token.ts'

export interface Route {
  readonly page: 'watch' | 'publish' | 'bridges' | 'calls'
  /** A stream. */
  readonly name: string | undefined
}

const decode = (hash: string): string => {
  try {
    return decodeURI(hash)
  } catch {
    return hash
  }
}

const readRoute = (): Route => {
  takeToken()
  const [, page, name] = /^#\/(watch|publish|bridges|calls)(?:\/(.+))?$/.exec(decode(location.hash)) ?? []
  return { page: (page as Route['page'] | undefined) ?? 'watch', name }
}

export const useRoute = (): Route => {
  const [route, setRoute] = useState(readRoute)
  useEffect(() => {
    const changed = (): void => setRoute(readRoute())
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}
