/** What the exit code of the command says. Documented in the README. */
import { type ErrorCode, toGatewayError } from '../errors.ts'

export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  unreachable: 3,
  media: 4,
  port: 5,
  dependency: 6,
} as const

/** One sentence for each, for the README and `--help`. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, 'the source ended cleanly, or it was stopped as asked (Ctrl-C, SIGTERM, --duration)'],
  [EXIT.internal, 'something is wrong inside'],
  [EXIT.usage, 'an option, a URL, a name or the configuration is wrong'],
  [EXIT.unreachable, 'the gateway, the source or a destination could not be reached, refused, or broke'],
  [EXIT.media, 'source and destination have no codec in common and it cannot be transcoded'],
  [EXIT.port, 'an address to listen on is taken'],
  [EXIT.dependency, 'a program that is needed is missing'],
]

const codes: Partial<Record<ErrorCode, number>> = {
  internal: EXIT.internal,
  'bad-name': EXIT.usage,
  'bad-request': EXIT.usage,
  'bad-config': EXIT.usage,
  'bad-url': EXIT.usage,
  'not-implemented': EXIT.usage,
  'no-common-codec': EXIT.media,
  'unsupported-codec': EXIT.media,
  'transcode-unavailable': EXIT.media,
  'b-frames': EXIT.media,
  'port-in-use': EXIT.port,
  'dependency-missing': EXIT.dependency,
}

export const exitCodeOf = (thrown: unknown): number => codes[toGatewayError(thrown).code] ?? EXIT.unreachable
