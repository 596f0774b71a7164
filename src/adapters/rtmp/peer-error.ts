/** What an RTMP server's refusal means to us. */
import { type ErrorCode, GatewayError } from '../../errors.ts'
import type { StatusInfo } from './commands.ts'

const LONGEST = 200

const codeOf = ({ code, description }: StatusInfo): ErrorCode => {
  if (/StreamNotFound|Play\.Failed|FileNotFound/i.test(code)) return 'stream-offline'
  if (/auth|denied|forbidden|credential/i.test(`${code} ${description}`)) return 'unauthorized'
  return 'refused'
}

/** One printable line of what a peer wrote, without our key, which some servers repeat. */
const quote = (text: string, secret: string): string =>
  text
    .replaceAll(secret, '***')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, LONGEST)

/** `during`: the command that was refused. `secret`: the stream key. */
export const peerError = (info: StatusInfo, during: string, secret: string): GatewayError => {
  const said = [info.code, info.description].filter(part => part !== '').join(': ')
  return new GatewayError(codeOf(info), `${during} was answered with ${quote(said, secret) || 'an error'}`)
}
