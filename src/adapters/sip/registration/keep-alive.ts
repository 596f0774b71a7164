import type { Clock } from '../../../core/types.ts'
import type { Source, Target } from '../addresses.ts'
import type { RegistrationSignalling } from './types.ts'

/** NATs forget a UDP binding after 30 s and more (RFC 4787 4.3 asks for 2 minutes, few heed it). */
const EVERY_MS = 25_000

/** Keeps the way open on which an answer came; returns the end of that. `name` is what its certificate must bear. */
export const keepAlive = (
  signalling: Pick<RegistrationSignalling, 'addresses' | 'keepAlive'>,
  clock: Clock,
  { transport, ip, port, local }: Source,
  name: string,
): (() => void) => {
  const target: Target = { transport, ip, port, name }
  const door = signalling.addresses.findIndex(
    own => own.transport === local.transport && own.host === local.host && own.port === local.port,
  )
  let cancel = (): void => undefined
  const next = (): void => {
    cancel = clock.after(EVERY_MS * 1000, () => {
      signalling.keepAlive(target, door < 0 ? undefined : door)
      next()
    })
  }
  next()
  return () => cancel()
}
