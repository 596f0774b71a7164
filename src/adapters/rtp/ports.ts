/** The RTP ports of a gateway: one pool for all its sources and destinations, opened when the first one needs it. */
import type { Scope } from '../../core/types.ts'
import { loadNative } from '../../native/index.ts'
import { createRtpPorts } from '../../rtp-session/plain/ports.ts'
import type { RtpPorts } from '../../rtp-session/plain/types.ts'
import type { AdapterContext } from '../adapter.ts'

const opened = new WeakMap<Scope, RtpPorts>()

/** @throws GatewayError 'dependency-missing' when the addon is not built */
export const portsOf = ({ scope, clock }: Pick<AdapterContext, 'scope' | 'clock'>): RtpPorts => {
  const known = opened.get(scope)
  if (known !== undefined) return known
  const ports = createRtpPorts({ native: loadNative(), clock })
  opened.set(scope, ports)
  scope.defer(() => ports.close('the gateway is shutting down'))
  return ports
}
