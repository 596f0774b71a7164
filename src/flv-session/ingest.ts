/** Tags of one publisher into a publication. */
import { announcedKinds } from '../media/flv/metadata.ts'
import { createFlvReader } from '../media/flv/reader.ts'
import type { CodecParameters } from '../media/types.ts'
import { createIngestTrack, type IngestTrack, type Origin } from './ingest-track.ts'
import { createReadiness, READY_DEADLINE_US } from './readiness.ts'
import type { PublishTags, SessionLog } from './types.ts'

const DROPS_B_FRAMES = 'has B-frames, which WebRTC viewers cannot show: set the encoder to 0 B-frames'

/** Each thing is said once. */
const createNotes = (log: SessionLog, stream: string): ((note: string) => void) => {
  const said = new Set<string>()
  return note => {
    if (said.has(note)) return
    said.add(note)
    log.warn({ stream }, `${stream}: ${note}`)
  }
}

/**
 * Tracks are added as they show up; the publication becomes ready when all announced ones have their
 * parameters, else two seconds after the first media. All tracks hang on one origin: `wall = W0 + ts / rate`.
 */
export const publishTags: PublishTags = ({ publication, clock, log }) => {
  const tracks = new Map<string, IngestTrack>()
  const origin: Origin = { wall: undefined }
  const note = createNotes(log, publication.stream)
  let keepsUp = true
  let ready = false
  let ended = false

  const readiness = createReadiness(clock, {
    onReady(missing) {
      const waited = `${READY_DEADLINE_US / 1e6} s`
      if (missing.length > 0) note(`no ${missing.join(' and no ')} after ${waited}, it goes on without`)
      ready = true
      publication.ready()
    },
  })
  const noteOrder = (params: CodecParameters): void => {
    if ('reordered' in params && params.reordered === true) note(DROPS_B_FRAMES)
  }

  const reader = createFlvReader({
    onTrack(id, params) {
      tracks.set(id, createIngestTrack(publication, id, params, origin, clock))
      noteOrder(params)
      readiness.known(params.kind)
    },
    onParams(id, params) {
      if (tracks.get(id)?.setParams(params) === false)
        note(`${id} changes its format too often, it is dropped`)
      noteOrder(params)
    },
    onFrame(id, frame) {
      const track = tracks.get(id)!
      if (!track.write(frame)) keepsUp = false
      readiness.elapsed(track.elapsedUs)
    },
    onMetadata(data) {
      const kinds = announcedKinds(data)
      if (kinds !== undefined) readiness.announce(kinds)
    },
    onDamage: note,
  })

  return {
    push(tag) {
      if (ended || publication.signal.aborted) return true
      keepsUp = true
      if (tag.type !== 18) readiness.media()
      reader.push(tag, clock.now())
      return keepsUp
    },
    async drained() {
      await Promise.all([...tracks.values()].map(({ writer }) => writer.drained()))
    },
    get ready() {
      return ready
    },
    get demand() {
      return [...tracks.values()].reduce((sum, { writer }) => sum + writer.demand, 0)
    },
    damage: reader.damage,
    end() {
      if (ended) return
      ended = true
      readiness.cancel()
      const { damage } = reader
      if (Object.keys(damage).length === 0) return
      log.info({ stream: publication.stream, damage }, `${publication.stream}: tags dropped or mended in all`)
    },
  }
}
