/** Between the answer and the stream: a greeting is played, a PIN asked for. Then the caller is joined. */
import { toGatewayError } from '../../../errors.ts'
import type { Secret } from '../../secret.ts'
import type { Call } from './call.ts'
import { playFile } from './play-file.ts'

const MAX_TRIES = 3

/** What is keyed in, also while something is still played. */
interface Keys {
  /** What was ended by `#`; undefined: nothing was in time, or the call is over. */
  next(waitMs: number): Promise<string | undefined>
}

const collectKeys = (call: Call): Keys => {
  const entered: string[] = []
  let keys = ''
  let look = (): void => undefined
  call.onDigit = digit => {
    if (digit !== '#') {
      keys = `${keys}${digit}`.slice(-64)
      return
    }
    entered.push(keys)
    keys = ''
    look()
  }
  return {
    next: waitMs =>
      new Promise(resolve => {
        const finish = (text: string | undefined): void => {
          cancel()
          look = () => undefined
          resolve(text)
        }
        const cancel = call.board.context.clock.after(waitMs * 1000, () => finish(undefined))
        void call.done.then(() => finish(undefined))
        look = () => void (entered.length > 0 && finish(entered.shift()))
        look()
      }),
  }
}

/** false: it was not the right one, and the call has been ended. */
const askPin = async (call: Call, pin: Secret, keys: Keys): Promise<boolean> => {
  call.waitsFor = 'pin'
  for (let tries = 1; tries <= MAX_TRIES && !call.isOver; tries++) {
    const given = await keys.next(call.board.config.timeouts.pinMs)
    if (given === undefined) break
    if (pin.equals(given)) return true
    call.log.warn({ tries }, `call ${call.id}: a wrong PIN`)
  }
  void call.end({ code: 403, by: 'us', detail: 'the PIN was not keyed in' })
  return false
}

/** Without a greeting that cannot be played: the line is worth more than its welcome. */
const greet = async (call: Call, path: string): Promise<void> => {
  call.waitsFor = 'greeting'
  try {
    await playFile(call, path)
  } catch (thrown) {
    if (!call.isOver) call.remark(`goes on without its greeting: ${toGatewayError(thrown).message}`)
  }
}

/** @throws GatewayError when the stream's name is taken */
export const receiveCaller = async (call: Call): Promise<void> => {
  const { greeting, pin } = call.about.route ?? {}
  const keys = collectKeys(call)
  if (greeting !== undefined) await greet(call, greeting)
  const isAdmitted = pin === undefined || (await askPin(call, pin, keys))
  call.onDigit = () => undefined
  call.waitsFor = undefined
  if (isAdmitted) await call.join()
}
