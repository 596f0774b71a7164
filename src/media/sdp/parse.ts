import { GatewayError } from '../../errors.ts'
import type { SdpAttribute, SdpMedia, SdpSession } from './types.ts'

const MAX_CHARACTERS = 128 * 1024
const MAX_LINES = 3000
const MAX_MEDIA = 64
const MEDIA_LINE = /^([!-~]+) (\d{1,5})(?:\/\d{1,5})? ([!-~]+)((?: [!-~]+)+)$/

interface Section {
  connection: string | undefined
  bandwidth?: string[]
  readonly attributes: SdpAttribute[]
}
type OpenMedia = Section & Omit<SdpMedia, keyof Section>

const malformed = (detail: string): GatewayError => new GatewayError('malformed', `SDP: ${detail}`)

const parseMediaLine = (value: string): OpenMedia => {
  const match = MEDIA_LINE.exec(value)
  if (match === null || Number(match[2]) > 65535)
    throw malformed(`"m=${value.slice(0, 80)}" is not a media line`)
  return {
    kind: match[1]!,
    port: Number(match[2]),
    protocol: match[3]!,
    formats: match[4]!.trim().split(' '),
    connection: undefined,
    attributes: [],
  }
}

const parseAttribute = (value: string): SdpAttribute => {
  const colon = value.indexOf(':')
  return colon < 0
    ? { name: value, value: undefined }
    : { name: value.slice(0, colon), value: value.slice(colon + 1) }
}

const splitLines = (text: string): readonly string[] => {
  if (text.length > MAX_CHARACTERS) throw malformed(`${text.length} characters, at most ${MAX_CHARACTERS}`)
  const lines = text.split(/\r?\n/)
  if (lines.length > MAX_LINES) throw malformed(`${lines.length} lines, at most ${MAX_LINES}`)
  if (lines[0] !== 'v=0') throw malformed('it does not begin with "v=0"')
  return lines
}

/**
 * Reads a session description. Unknown line types are skipped (RFC 8866 5), damaged ones refused.
 * @throws GatewayError 'malformed'
 */
export const parseSdp = (text: string): SdpSession => {
  const media: OpenMedia[] = []
  const session: Section = { connection: undefined, attributes: [] }
  let section = session
  let origin: string | undefined
  let name = '-'
  for (const line of splitLines(text)) {
    if (line === '') continue
    if (line[1] !== '=') throw malformed(`"${line.slice(0, 80)}" is not a line of the form x=…`)
    const value = line.slice(2)
    if (line[0] === 'm') {
      if (media.length === MAX_MEDIA) throw malformed(`more than ${MAX_MEDIA} media lines`)
      const opened = parseMediaLine(value)
      media.push(opened)
      section = opened
    } else if (line[0] === 'a') section.attributes.push(parseAttribute(value))
    else if (line[0] === 'c') section.connection = value
    else if (line[0] === 'b') section.bandwidth = [...(section.bandwidth ?? []), value]
    else if (line[0] === 'o') origin = value
    else if (line[0] === 's') name = value
  }
  if (origin === undefined) throw malformed('the "o=" line is missing')
  return { origin, name, connection: session.connection, attributes: session.attributes, media }
}
