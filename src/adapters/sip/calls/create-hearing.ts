/** What the far side of one call hears, wired to its media. */
import type { Scope } from '../../../core/types.ts'
import type { Logger } from '../../adapter.ts'
import type { Board } from './board.ts'
import { createCallEgress } from './call-egress.ts'
import type { CallMedia } from './call-media.ts'
import { Hearing } from './hearing.ts'

export interface CallHearingParts {
  readonly board: Pick<Board, 'context'>
  readonly scope: Scope
  readonly media: CallMedia
  readonly label: string
  readonly log: Logger
}

export const createHearing = ({ board, scope, media, label, log }: CallHearingParts): Hearing =>
  new Hearing({
    registry: board.context.registry,
    scope,
    createEgress: own =>
      createCallEgress({
        label,
        scope: own,
        lines: () => media.lines,
        sink: open => media.sink(open),
        link: () => media.sentLink(),
      }),
    onSilence: () => media.silence(),
    onTrouble: (stream, why) => log.warn({ stream }, `${stream} cannot be heard: ${why}`),
  })
