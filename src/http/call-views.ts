/** What the API shows of calls: what is undefined in here is null there, each key is always present. */
import type { AccountInfo, CallExplanation, CallInfo, CallMedia } from '../adapters/call-desk.ts'
import type { AccountView, CallExplanationView, CallView } from './schemas/call.ts'

const isoTime = (wallUs: number | undefined): string | null =>
  wallUs === undefined ? null : new Date(wallUs / 1000).toISOString()

const mediaView = (media: CallMedia): CallView['media'][number] => ({
  ...media,
  remote: media.remote ?? null,
  received: { ...media.received, dropped: { ...media.received.dropped } },
  mos: media.mos ?? null,
  roundTripMs: media.roundTripMs ?? null,
  remoteFractionLost: media.remoteFractionLost ?? null,
})

export const callView = (call: CallInfo): CallView => ({
  ...call,
  waitsFor: call.waitsFor ?? null,
  asserted: call.asserted ?? null,
  diverted: [...(call.diverted ?? [])],
  account: call.account ?? null,
  route: call.route ?? null,
  publish: call.publish ?? null,
  hear: call.hear ?? null,
  hearError: call.hearError ?? null,
  since: isoTime(call.since)!,
  answeredAt: isoTime(call.answeredAt),
  endedAt: isoTime(call.endedAt),
  reason: call.reason ?? null,
  media: call.media.map(mediaView),
  remarks: [...call.remarks],
})

export const accountView = (account: AccountInfo): AccountView => ({
  ...account,
  expiresAt: isoTime(account.expiresAt),
  nextTryAt: isoTime(account.nextTryAt),
  error: account.error ?? null,
})

export const callExplanationView = (found: CallExplanation): CallExplanationView => ({
  ...found,
  rules: found.rules.map(rule => ({ ...rule })),
  publish: found.publish ?? null,
  hear: found.hear ?? null,
})
