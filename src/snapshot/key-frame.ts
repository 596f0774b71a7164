/** The last key frame of a live stream, or the next one where its source can be asked. */
import { closable, createScope } from '../core/scope.ts'
import type { Accept, Clock, Egress, Registry, Scope, TrackInfo } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import type { Frame } from '../media/types.ts'

const acceptOf = ({ kind, params }: TrackInfo): Accept => ({ kind, codec: params.codec, form: 'frame' })
const isPicture = ({ kind, derivedFrom }: TrackInfo): boolean => kind === 'video' && derivedFrom === undefined

/** Takes the first video track as it is. */
const createCatcher = (scope: Scope, caught: (frame: Frame) => void): Egress => ({
  label: 'snapshot',
  pressure: { mode: 'realtime' },
  accepts: tracks => tracks.filter(isPicture).slice(0, 1).map(acceptOf),
  open: tracks => tracks.map(() => ({ form: 'frame', sink: { write: frame => frame.key && caught(frame) } })),
  ...closable(scope),
})

/** @throws GatewayError 'stream-offline', 'not-found' for a stream without a picture */
const checkPicture = (registry: Registry, stream: string): void => {
  const info = registry.find(stream)
  if (info?.state !== 'ready') throw new GatewayError('stream-offline', `${stream} is not live now`)
  if (!info.tracks.some(isPicture)) throw new GatewayError('not-found', `${stream} has no picture`)
}

/**
 * Is a reader of the stream for as long as that takes.
 * @throws GatewayError 'stream-offline', 'not-found' for a stream without a picture, 'timeout' after `waitMs`
 */
export const takeKeyFrame = async (
  registry: Registry,
  clock: Clock,
  stream: string,
  waitMs: number,
): Promise<Frame> => {
  checkPicture(registry, stream)
  const scope = createScope('snapshot')
  const { promise, resolve, reject } = Promise.withResolvers<Frame>()
  const late = new GatewayError('timeout', `${stream} had no key frame within ${waitMs} ms`)
  scope.defer(clock.after(waitMs * 1000, () => reject(late)))
  void scope.closed.then(({ detail }) => reject(new GatewayError('stream-offline', detail)))
  try {
    const subscription = registry.subscribe(stream, createCatcher(scope, resolve), { start: 'last-gop' })
    subscription.catch(reject)
    return await promise
  } finally {
    await scope.close({ code: 'subscriber-left', detail: 'the snapshot is taken' })
  }
}
