/** Push to a file: a recording. */
import { fileURLToPath } from 'node:url'
import { closable, createScope, describeReason } from '../../core/scope.ts'
import type { Egress } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { acceptsFlv, createFlvOutput } from '../../flv-session/egress.ts'
import { openFlvFile } from '../../record/flv-file.ts'
import type { AdapterContext } from '../adapter.ts'
import type { FlvConfig } from './config.ts'

/**
 * Records into a new file. The file is whole after every tag; duration and size are set when the recording is closed.
 * @throws GatewayError 'bad-url' for another place than a .flv file, 'bad-request' when the file exists, 'io-failed'
 */
export const pushFlv = async (context: AdapterContext, config: FlvConfig, url: URL): Promise<Egress> => {
  if (url.protocol !== 'file:')
    throw new GatewayError('not-implemented', `writing FLV to ${url.protocol} URLs`)
  const path = fileURLToPath(url)
  if (!path.toLowerCase().endsWith('.flv')) throw new GatewayError('bad-url', `${path} does not end in .flv`)
  const scope = createScope(`recording ${path}`)
  const file = await openFlvFile({
    path,
    onFailure: error => void scope.close({ code: 'failed', detail: error.message, error }),
  })
  scope.defer(async () => {
    await file.close()
    const { bytes, durationMs } = file
    context.log.info({ path, bytes, durationMs }, 'recording closed')
  })
  void scope.closed.then(reason => {
    if (reason.code === 'failed') context.log.error({ path }, `recording failed: ${describeReason(reason)}`)
  })
  const output = createFlvOutput(message => file.write(message))
  return {
    label: `recording ${path}`,
    pressure: { mode: 'lossless', highWater: config.recordingHighWaterBytes },
    takesLateTracks: true,
    accepts: tracks => acceptsFlv(tracks, config),
    open: tracks => output.open(tracks),
    backlog: () => file.backlog,
    ...closable(scope),
  }
}
