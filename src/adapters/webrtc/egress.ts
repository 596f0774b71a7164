/** Stream to viewer: a WHEP session is an egress whose `open` writes the answer and waits for the connection. */
import { closable } from '../../core/scope.ts'
import type { Accept, CloseReason, Egress, EgressSink, OpenTrack } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { writeAnswer } from './answer.ts'
import { assignMedia, chooseSent, viewerAccepts } from './choose.ts'
import type { Answered } from './ingest.ts'
import { sendingLink } from './link.ts'
import { parseOffer } from './offer.ts'
import { type PlannedStream, SendingSession } from './sending.ts'
import { randomSsrc, Session, type SessionHost, type SessionRequest } from './session.ts'

/** What core and the HTTP request wait for, each settled once. */
interface Milestones {
  readonly answered: PromiseWithResolvers<string>
  readonly connected: PromiseWithResolvers<void>
}

const planStreams = (
  session: Session,
  tracks: readonly OpenTrack[],
): { planned: readonly PlannedStream[]; answer: string } => {
  const { offer, local } = session
  const sent = assignMedia(offer, tracks)
  const choices = chooseSent(offer, sent, randomSsrc)
  const planned = tracks.map((open, index) => {
    const { mediaIndex } = sent[index]!
    const choice = mediaIndex === undefined ? undefined : choices[mediaIndex]
    if (mediaIndex === undefined || choice?.sent === undefined)
      throw new GatewayError(
        'no-common-codec',
        `the offer has no m-line left for ${open.track.kind} ${open.accept.codec}`,
      )
    return { open, media: offer.media[mediaIndex]!, choice }
  })
  return { planned, answer: writeAnswer(offer, choices, local) }
}

const createEgress = (
  session: Session,
  sending: SendingSession,
  accepts: readonly Accept[],
  { answered, connected }: Milestones,
): Egress => ({
  ...closable(session.scope),
  label: session.label,
  pressure: { mode: 'realtime' },
  accepts: () => accepts,
  link: () => sendingLink(sending.stats),
  /** Sinks come into being with the connection, so that the first thing they see is a key frame they can send. */
  async open(tracks): Promise<readonly EgressSink[]> {
    const { planned, answer } = planStreams(session, tracks)
    answered.resolve(answer)
    await connected.promise
    return sending.start(planned)
  },
})

const closedError = (reason: CloseReason): GatewayError =>
  new GatewayError('closed', reason.detail ?? reason.code, { cause: reason })

/**
 * Takes a viewer's offer and answers with the tracks of the plan.
 * @throws GatewayError 'malformed', 'bad-request', 'stream-offline', 'no-common-codec', 'b-frames', 'transcode-unavailable'
 */
export const acceptViewer = async (
  host: SessionHost,
  request: SessionRequest,
  text: string,
): Promise<Answered> => {
  const offer = parseOffer(text)
  const accepts = viewerAccepts(offer)
  const session = new Session(host, 'whep', request, offer)
  const { signal } = session.scope
  const milestones: Milestones = {
    answered: Promise.withResolvers<string>(),
    connected: Promise.withResolvers<void>(),
  }
  const { context, port, config } = host
  const sending = new SendingSession(port, session.transport, context.clock, session.local.cname, {
    onConnected: () => milestones.connected.resolve(),
    onEnded: reason => void session.close(reason),
  })
  session.transport.listener = sending
  session.mediaStats = () => sending.stats
  session.onClose = reason => sending.close(reason)
  milestones.connected.promise.catch(() => {})
  signal.addEventListener('abort', () =>
    milestones.connected.reject(closedError(signal.reason as CloseReason)),
  )

  const egress = createEgress(session, sending, accepts, milestones)
  const subscribed = context.registry
    .subscribe(request.stream, egress, { signal, waitMs: config.viewerWaitMs, start: 'last-gop' })
    .catch((error: unknown) => {
      milestones.answered.reject(error)
      void session.close({ code: 'failed', detail: error instanceof Error ? error.message : String(error) })
    })
  void subscribed.then(subscription => subscription?.closed.then(reason => session.close(reason)))
  return { session, answer: await milestones.answered.promise }
}
