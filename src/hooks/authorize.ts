/** Who is let in: the rules first, then whoever the hook asks; refusals are events. */
import type { Access } from '../adapters/adapter.ts'
import { toGatewayError } from '../errors.ts'
import type { TellRefusal } from '../events/refusals.ts'
import { refusal } from '../events/registry-events.ts'

export type Authorize = (access: Access) => Promise<void>

/** Both must allow it. Nothing of a peer is read before they do. */
export const composeAuthorize =
  (rules: Authorize, hook: Authorize, tell: TellRefusal): Authorize =>
  async access => {
    try {
      await rules(access)
      await hook(access)
    } catch (thrown) {
      const { action, stream, protocol, remote } = access
      const type = action === 'publish' ? 'publish:refused' : 'subscribe:refused'
      if (action !== 'api') tell(type, refusal(stream, `${protocol} ${remote}`, toGatewayError(thrown)))
      throw thrown
    }
  }
