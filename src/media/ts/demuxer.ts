/** Transport packets in; tracks, parameters and frames out. */
import { equalBytes } from '../bytes.ts'
import { createDamage } from '../damage.ts'
import { createTrackOutput, type TrackEvents, type TrackOutput } from '../track-output.ts'
import { ElementaryStream } from './elementary-stream.ts'
import { createTsPacket, findSync, NULL_PID, readTsPacket, SYNC_BYTE, TS_PACKET_BYTES } from './packet.ts'
import { PAT_PID, type ProgramEntry, readPat, readPmt, type StreamEntry, TABLE_ID } from './program.ts'
import { type Section, SectionReader } from './section-reader.ts'
import { kindOfStream, roleOf, type TsCodec } from './stream-types.ts'
import { createSourceTime, type SourceTime } from './track-time.ts'

const MAX_TRACKS = 8
/** Each change of the streams renegotiates every reader: a source that goes on changing is not followed. */
const MAX_CHANGES = 16

export interface TsEvents extends TrackEvents {
  /** Which kinds the program has, as far as they can be read; again when it changes. */
  onProgram(kinds: { readonly video: boolean; readonly audio: boolean }): void
  /** Something was dropped or mended. Called each time; the number of different causes is bounded. */
  onDamage(cause: string): void
}
export interface TsOptions {
  /** program_number of the one to read; absent: the first in the table. */
  readonly program?: number | undefined
}

/** What reads the payloads of one PID. */
interface Route {
  /** Of the last packet with payload; -1 before the first, and after what the sender marked. */
  continuity: number
  readonly reader: SectionReader | ElementaryStream
}

/**
 * Reads one program of a transport stream. Track ids are 'video' and 'audio', with '-1', '-2', … for the further
 * streams of a kind, in the order of the program map. Never throws for content; memory is bounded by the largest
 * picture of each stream.
 */
export class TsDemuxer {
  readonly #events: TsEvents
  readonly #options: TsOptions
  readonly #damage
  readonly #time: SourceTime
  readonly #packet = createTsPacket()
  /** By PID. */
  readonly #routes = new Array<Route | undefined>(NULL_PID + 1).fill(undefined)
  readonly #outputs = new Map<string, TrackOutput>()
  #streams: ElementaryStream[] = []
  #mapPid = -1
  #map: Uint8Array | undefined
  #changes = 0
  #arrival = 0
  /** Transport packets of whatever kind. */
  packets = 0
  /** Transport packets that did not come, as far as their count tells. */
  lost = 0

  constructor(events: TsEvents, options: TsOptions = {}) {
    this.#events = events
    this.#options = options
    this.#damage = createDamage(cause => events.onDamage(cause))
    this.#time = createSourceTime({
      onJump: ms => this.#damage.count(ms > 0 ? 'times jumped ahead' : 'times stepped back'),
    })
    this.#routeSections(PAT_PID, section => this.#readPrograms(section))
  }

  get damage(): Readonly<Record<string, number>> {
    return this.#damage.counts
  }

  /** Whole packets one behind the other, as in a datagram. The bytes are not kept. `arrivalUs`: monotonic clock. */
  push(bytes: Uint8Array, start: number, end: number, arrivalUs: number): void {
    this.#arrival = arrivalUs
    for (let at = start; at < end; ) {
      if (bytes[at] !== SYNC_BYTE) {
        this.#damage.count('no transport packet')
        at = findSync(bytes, at + 1, end)
        continue
      }
      const next = at + TS_PACKET_BYTES
      if (next > end) this.#damage.count('transport packet cut short')
      else if (readTsPacket(bytes, at, this.#packet)) this.#take(bytes)
      else this.#damage.count('damaged transport packet')
      at = next
    }
  }

  /** The source has ended: the last pictures go out. */
  end(): void {
    for (const stream of this.#streams) stream.end()
  }

  #take(bytes: Uint8Array): void {
    this.packets += 1
    const { pid, start, end, unitStart, scrambled } = this.#packet
    const route = this.#routes[pid]
    if (route === undefined || !this.#inOrder(route) || start === end) return
    if (scrambled) this.#damage.count('scrambled packet')
    else route.reader.push(bytes, start, end, unitStart, this.#arrival)
  }

  /** Section 2.4.3.3. false: it is the packet before once more. */
  #inOrder(route: Route): boolean {
    const { continuity, discontinuity, start, end } = this.#packet
    const last = route.continuity
    if (start === end) {
      if (discontinuity) route.continuity = -1
      return true
    }
    route.continuity = continuity
    if (last === -1 || discontinuity) return true
    if (continuity === last) return false
    const missing = (continuity - last - 1) & 0x0f
    if (missing === 0) return true
    this.lost += missing
    this.#damage.count('transport packets lost')
    route.reader.interrupt()
    return true
  }

  #routeSections(pid: number, onSection: (section: Section) => void): void {
    const reader = new SectionReader({ onSection, onDamage: cause => this.#damage.count(cause) })
    this.#routes[pid] = { continuity: -1, reader }
  }

  #readPrograms(section: Section): void {
    if (section.tableId !== TABLE_ID.pat) return
    const programs = readPat(section)
    const chosen = this.#choose(programs)
    if (chosen === undefined || chosen.pid === this.#mapPid) return
    if (programs.length > 1 && this.#options.program === undefined)
      this.#damage.count(`program ${chosen.program} is read, ${programs.length - 1} more are not`)
    if (this.#mapPid !== -1) this.#routes[this.#mapPid] = undefined
    this.#mapPid = chosen.pid
    this.#routeSections(chosen.pid, map => this.#readMap(map, chosen.program))
  }

  #choose(programs: readonly ProgramEntry[]): ProgramEntry | undefined {
    const { program } = this.#options
    if (program === undefined) return programs[0]
    const found = programs.find(entry => entry.program === program)
    if (found === undefined) this.#damage.count(`there is no program ${program}`)
    return found
  }

  /** Compared by content: encoders begin with the same version each time. */
  #readMap(section: Section, program: number): void {
    if (section.tableId !== TABLE_ID.pmt || section.id !== program) return
    if (equalBytes(section.body, this.#map)) return
    const entries = readPmt(section)
    if (entries === undefined) this.#damage.count('damaged program map')
    else if (this.#changes > MAX_CHANGES) this.#damage.count('the program changes too often')
    else {
      this.#changes += 1
      this.#map = section.body.slice()
      this.#follow(entries)
    }
  }

  /** Streams that go on under their PID with their codec are left alone. */
  #follow(entries: readonly StreamEntry[]): void {
    const counts = { video: 0, audio: 0 }
    const streams: ElementaryStream[] = []
    for (const entry of entries) {
      const role = roleOf(entry)
      if (role === undefined) continue
      if ('unsupported' in role) this.#damage.count(`${role.unsupported} is not supported`)
      else if (streams.length >= MAX_TRACKS) this.#damage.count(`more than ${MAX_TRACKS} streams`)
      else {
        const stream = this.#open(entry.pid, role.codec, counts[kindOfStream(role.codec)]++)
        if (stream !== undefined) streams.push(stream)
      }
    }
    for (const gone of this.#streams) if (!streams.includes(gone)) this.#close(gone)
    this.#streams = streams
    this.#events.onProgram({ video: counts.video > 0, audio: counts.audio > 0 })
  }

  #open(pid: number, codec: TsCodec, number: number): ElementaryStream | undefined {
    const kind = kindOfStream(codec)
    const id = number === 0 ? kind : `${kind}-${number}`
    const known = this.#routes[pid]?.reader
    if (known instanceof SectionReader) {
      this.#damage.count(`${id} on the PID of a table`)
      return undefined
    }
    if (known?.id === id && known.codec === codec) return known
    if (known !== undefined) this.#close(known)
    const reader = new ElementaryStream({
      pid,
      codec,
      id,
      time: this.#time.track(),
      output: this.#output(id),
      onDamage: cause => this.#damage.count(cause),
    })
    this.#routes[pid] = { continuity: -1, reader }
    return reader
  }

  #close(stream: ElementaryStream): void {
    stream.end()
    if (this.#routes[stream.pid]?.reader === stream) this.#routes[stream.pid] = undefined
  }

  #output(id: string): TrackOutput {
    const known = this.#outputs.get(id)
    if (known !== undefined) return known
    const output = createTrackOutput(id, this.#events)
    this.#outputs.set(id, output)
    return output
  }
}
