/** Why a session never came up, in one sentence, from what was and was not seen (pure). */
import type { IceCounters } from './ice.ts'

export interface TransportCounters extends IceCounters {
  /** DTLS datagrams from proven addresses. */
  dtlsReceived: number
  dtlsSent: number
  /** SRTP and SRTCP packets that authenticated. */
  srtpReceived: number
  /** ... that did not: wrong tag, repeated, too short, or before the keys were there. */
  srtpBadTag: number
  srtpReplayed: number
  srtpOther: number
}

export const createTransportCounters = (ice: IceCounters): TransportCounters =>
  Object.assign(ice, {
    dtlsReceived: 0,
    dtlsSent: 0,
    srtpReceived: 0,
    srtpBadTag: 0,
    srtpReplayed: 0,
    srtpOther: 0,
  })

/** The verdict on a session that did not connect in time. `where`: our candidates as told to the peer. */
export const diagnose = (seen: TransportCounters, where: string): string => {
  const refused = seen.badIntegrity + seen.badUsername
  if (seen.checks > 0 && seen.dtlsReceived > 0)
    return `the DTLS handshake did not finish: ${seen.dtlsReceived} datagrams received, ${seen.dtlsSent} sent`
  if (seen.checks > 0)
    return `${seen.checks} STUN requests were answered but no DTLS came: our answers do not reach the peer`
  if (seen.addressTaken > 0)
    return `${seen.addressTaken} STUN requests came from an address and port that another session uses`
  if (refused > 0)
    return `${refused} STUN requests came with wrong credentials: the peer uses another answer than ours`
  return `0 STUN packets reached ${where}: a firewall or port mapping is in the way, or the advertised address is wrong`
}
