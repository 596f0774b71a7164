/** Answers an offer of the far side (RFC 3264 6): what is written in the answer is what is agreed. */
import { isMisfit, type Misfit } from './agreed-line.ts'
import { type AnsweredLine, answerLine } from './answer-line.ts'
import { describeOwn } from './described.ts'
import { type DescribedLine, describeLines } from './described-line.ts'
import { refusedLine } from './own-line.ts'
import { parseDescription } from './parse-description.ts'
import type { Agreement, LocalMedia, Refusal } from './types.ts'

interface Judged {
  readonly line: DescribedLine
  /** undefined: the far side itself has ended the line. */
  readonly answer: AnsweredLine | Misfit | undefined
}

const judge = (line: DescribedLine, local: LocalMedia): Judged => ({
  line,
  answer: line.media.port === 0 ? undefined : answerLine(line, local),
})

const answeredOf = ({ answer }: Judged): AnsweredLine | undefined =>
  answer === undefined || isMisfit(answer) ? undefined : answer

/** The line in use first, so that a refresh moves nothing; then encrypted before clear; then the offerer's order. */
const chooseAmong = (
  kind: 'audio' | 'video',
  judged: readonly Judged[],
  previous: Agreement | undefined,
): AnsweredLine | undefined => {
  const fits = judged.map(answeredOf).filter(answered => answered?.agreed.kind === kind)
  const index = previous?.lines.find(line => line.kind === kind)?.index
  return (
    fits.find(answered => answered?.agreed.index === index) ??
    fits.find(answered => answered?.agreed.srtp !== undefined) ??
    fits[0]
  )
}

const misfits = (judged: readonly Judged[]): readonly (Misfit & { readonly line: DescribedLine })[] =>
  judged.flatMap(({ line, answer }) =>
    answer !== undefined && isMisfit(answer) ? [{ ...answer, line }] : [],
  )

const named = (line: DescribedLine, detail: string): string => `${line.media.kind}: ${detail}`

const refusalOf = (judged: readonly Judged[]): Refusal => {
  const found = misfits(judged)
  const worst = found.find(({ line }) => line.kind === 'audio') ?? found[0]
  return {
    outcome: 'refused',
    code: 488,
    warning: worst?.warning ?? 304,
    detail:
      found.length === 0
        ? 'the offer has no open line of media'
        : found.map(({ line, detail }) => named(line, detail)).join(' · '),
  }
}

const whyLeftOut = ({ line, answer }: Judged): string => {
  if (answer === undefined) return named(line, 'ended by the far side')
  return named(line, isMisfit(answer) ? answer.detail : 'one line of a kind is enough')
}

/** A call without the sound that both ends have is no call: the far side may offer something else. */
const lacksSound = (judged: readonly Judged[], chosen: readonly AnsweredLine[]): boolean =>
  judged.some(({ line, answer }) => line.kind === 'audio' && answer !== undefined) &&
  !chosen.some(({ agreed }) => agreed.kind === 'audio')

/** Ending every line of a call that stands is allowed (RFC 3264 8.2); offering nothing that fits is not. */
const isEmpty = (judged: readonly Judged[], chosen: readonly AnsweredLine[], stands: boolean): boolean =>
  chosen.length === 0 && !(stands && judged.every(({ answer }) => answer === undefined))

/**
 * One line of each kind, one codec in it. It asks nothing of the world and changes nothing, so it may be called with
 * ports not yet opened to learn whether the offer would be refused.
 */
export const answerOffer = (text: string, local: LocalMedia, previous?: Agreement): Agreement | Refusal => {
  const remote = parseDescription(text)
  if ('outcome' in remote) return remote
  const judged = describeLines(remote.session).map(line => judge(line, local))
  const chosen = (['audio', 'video'] as const)
    .map(kind => chooseAmong(kind, judged, previous))
    .filter(answered => answered !== undefined)
  const isSilent = local.audio !== undefined && lacksSound(judged, chosen)
  if (isSilent || isEmpty(judged, chosen, previous !== undefined)) return refusalOf(judged)

  const byIndex = new Map(chosen.map(answered => [answered.agreed.index, answered]))
  const media = judged.map(({ line }) => byIndex.get(line.index)?.media ?? refusedLine(line.media))
  const address = chosen[0]?.agreed.localAddress ?? local.address4 ?? local.address6 ?? '0.0.0.0'
  return {
    outcome: 'agreed',
    lines: chosen.map(({ agreed }) => agreed).toSorted((a, b) => a.index - b.index),
    local: describeOwn(local.sessionId, address, media, previous?.local),
    remote,
    leftOut: judged.filter(({ line }) => !byIndex.has(line.index)).map(whyLeftOut),
  }
}
