/** The far side's media becomes a stream: one of the call's own, or somebody else's publication. */
import type { Publication, Scope } from '../../../core/types.ts'
import type { Board } from './board.ts'
import type { CallPurpose } from './call-about.ts'
import { CallIngest } from './call-ingest.ts'
import type { CallMedia } from './call-media.ts'

export interface PublishedCall {
  readonly board: Pick<Board, 'context'>
  readonly scope: Scope
  readonly label: string
  readonly media: CallMedia
}

const announce = (call: PublishedCall, name: string, takesOver: boolean): Publication =>
  call.board.context.registry.publish(name, {
    label: call.label,
    signal: call.scope.signal,
    onConflict: takesOver ? 'take-over' : 'reject',
    returns: false,
    link: () => call.media.receivedLink(),
  })

/** Once. `ended` is told why the stream ended. @throws GatewayError 'name-taken', 'bad-name' */
export const publishCall = (
  call: PublishedCall,
  { publish, publication, takesOver = false }: CallPurpose,
  requestKeyframe: () => void,
  ended: (why: string) => void,
): void => {
  if (call.media.ingest !== undefined) return
  const taken = publication ?? (publish === undefined ? undefined : announce(call, publish, takesOver))
  if (taken === undefined) return
  void taken.closed.then(({ code, detail }) => ended(`the stream ended: ${detail ?? code}`))
  const ingest = new CallIngest(taken, call.board.context.clock, requestKeyframe)
  call.media.ingest = ingest
  ingest.adopt(call.media.lines)
}
