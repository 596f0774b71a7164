/** An egress in memory that keeps what it is handed. */
import { closable, createScope } from '../../src/core/scope.ts'
import type {
  Accept,
  CloseReason,
  Egress,
  EgressSink,
  OpenTrack,
  Pressure,
  TrackInfo,
} from '../../src/core/types.ts'
import type { Frame, MediaOf, RtpPacket } from '../../src/media/types.ts'

export interface MemoryEgressOptions {
  readonly label?: string
  readonly accepts: readonly Accept[] | ((tracks: readonly TrackInfo[]) => readonly Accept[])
  readonly pressure?: Pressure
  readonly takesLateTracks?: boolean
  readonly backlog?: () => number
  /** The sinks take another track in place of theirs. */
  readonly retargets?: boolean
  readonly onOpen?: (tracks: readonly OpenTrack[]) => void | Promise<void>
  /** Sees each unit first; may throw. */
  readonly onUnit?: (unit: Frame | RtpPacket, open: OpenTrack) => void
}
export interface Opened {
  /** The present one: changes when the sink is given another track. */
  open: OpenTrack
  readonly units: (Frame | RtpPacket)[]
  retargets: number
}
export interface MemoryEgress extends Egress {
  /** One entry per track that was ever opened, in order. */
  readonly opened: Opened[]
  readonly frames: Frame[]
  readonly packets: RtpPacket[]
  /** Why it was closed, once it is. */
  readonly reason: CloseReason | undefined
  /** Units of the newest track with this id. */
  unitsOf(id: string): (Frame | RtpPacket)[]
}

export const memoryEgress = (options: MemoryEgressOptions): MemoryEgress => {
  const { label = 'viewer', accepts, pressure = { mode: 'realtime' }, onOpen, onUnit } = options
  const scope = createScope(label)
  const opened: Opened[] = []
  const all: (Frame | RtpPacket)[] = []
  let reason: CloseReason | undefined
  void scope.closed.then(why => {
    reason = why
  })
  const sinkFor = (open: OpenTrack): EgressSink => {
    const entry: Opened = { open, units: [], retargets: 0 }
    opened.push(entry)
    const write = (unit: Frame | RtpPacket): void => {
      onUnit?.(unit, entry.open)
      entry.units.push(unit)
      all.push(unit)
    }
    const retarget = (next: OpenTrack): void => {
      entry.open = next
      entry.retargets++
    }
    const end = { form: open.accept.form, sink: { write } } as EgressSink
    return options.retargets === true ? { ...end, retarget } : end
  }
  return {
    ...closable(scope),
    label,
    pressure,
    takesLateTracks: options.takesLateTracks ?? false,
    accepts: tracks => (typeof accepts === 'function' ? accepts(tracks) : accepts),
    open: async tracks => {
      await onOpen?.(tracks)
      return tracks.map(sinkFor)
    },
    ...(options.backlog !== undefined && { backlog: options.backlog }),
    opened,
    get frames() {
      return all.filter((unit): unit is MediaOf['frame'] => 'units' in unit)
    },
    get packets() {
      return all.filter((unit): unit is MediaOf['rtp'] => 'payloadEnd' in unit)
    },
    get reason() {
      return reason
    },
    unitsOf: id => opened.findLast(({ open }) => open.track.id === id)?.units ?? [],
  }
}
