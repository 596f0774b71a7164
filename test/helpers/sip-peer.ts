/** Signalling on a network in memory, for two or more that talk to each other. */
import { createSignalling, type SignallingParts } from '../../src/adapters/sip/create-signalling.ts'
import { parseNameAddr } from '../../src/adapters/sip/message/name-addr.ts'
import type { Body, NameAddr, SipUri } from '../../src/adapters/sip/message/types.ts'
import { parseUri } from '../../src/adapters/sip/message/uri.ts'
import type { Signalling, SignallingOptions } from '../../src/adapters/sip/signalling.ts'
import { type ManualClock, settle } from './manual-clock.ts'
import type { SipNetwork } from './sip-network.ts'

export const sdp = (content: string): Body => ({
  type: 'application/sdp',
  content: `v=0\r\ns=${content}\r\n`,
})
export const uri = (text: string): SipUri => parseUri(text)!
export const address = (text: string): NameAddr => parseNameAddr(text)!

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
export const quietLog = { ...quiet, child: () => quietLog }

export const openPeer = (
  clock: ManualClock,
  network: SipNetwork,
  host: string,
  options: Partial<SignallingOptions> = {},
  parts: SignallingParts = {},
): Promise<Signalling> =>
  createSignalling(
    {
      addresses: [{ transport: 'udp', host, port: 5060 }],
      clock,
      log: quietLog,
      userAgent: 'test',
      screen: () => ({ action: 'admit' }),
      onInvite: invite => invite.reject(480),
      ...options,
    },
    { openUdpPort: network.open, ...parts },
  )

/** Lets `ms` pass in small steps, with promises settled in between. */
export const pass = async (clock: ManualClock, ms: number, stepMs = 5): Promise<void> => {
  await settle()
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(left, stepMs) * 1000)
    await settle()
  }
}
