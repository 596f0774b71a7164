/** What readers see while their publisher is away: an FLV file in a loop, in place of what it sent. */
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Adapter, AdapterContext, Logger } from '../adapters/adapter.ts'
import { describeReason } from '../core/scope.ts'
import type { Registry } from '../core/types.ts'
import { GatewayError, toGatewayError } from '../errors.ts'

export interface SlatesParts {
  readonly registry: Registry
  /** The adapter that plays files, with what it is given. */
  readonly player: {
    readonly adapter: Adapter<unknown>
    readonly context: AdapterContext
    readonly config: unknown
  }
  /** The file for this stream; undefined: none. */
  readonly slateOf: (stream: string) => string | undefined
  readonly log: Logger
}

const play = async ({ registry, player }: SlatesParts, stream: string, path: string): Promise<string> => {
  const { adapter, context, config } = player
  if (adapter.pull === undefined) throw new GatewayError('not-implemented', `${adapter.name} plays no files`)
  const publication = registry.standIn(stream, `slate ${basename(path)}`)
  try {
    const url = pathToFileURL(resolve(path))
    url.search = 'loop=true'
    const source = await adapter.pull(context, config, url, publication)
    const reason = await source.closed
    await publication.close(reason)
    return describeReason(reason)
  } catch (thrown) {
    const error = toGatewayError(thrown)
    await publication.close({ code: 'failed', detail: error.message, error })
    throw error
  }
}

/** Shows slates until what is returned is called. */
export const showSlates = (parts: SlatesParts): (() => void) => {
  const { registry, slateOf, log } = parts
  return registry.on('stream:waiting', ({ name }) => {
    const path = slateOf(name)
    if (path === undefined) return
    play(parts, name, path).then(
      why => log.info({ stream: name, slate: path }, `the slate has ended: ${why}`),
      (error: GatewayError) =>
        log.warn({ stream: name, slate: path }, `the slate is not shown: ${error.message}`),
    )
  })
}
