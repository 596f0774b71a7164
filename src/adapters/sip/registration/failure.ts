import type { RequestResult } from '../request.ts'

/** Why a REGISTER was in vain, in one sentence. */
export const failureOf = (
  { response, source }: RequestResult,
  host: string,
  hasPassword: boolean,
): string => {
  const { code, reason } = response
  if (source === undefined) return code === 408 ? `${host} does not answer` : `${host} cannot be reached`
  const said = `${host} says ${code}${reason === '' ? '' : ` ${reason}`}`
  if (code !== 401 && code !== 407 && code !== 403) return said
  return `${said}: ${hasPassword ? 'user or password are not accepted' : 'it asks for a password, and none is configured'}`
}
