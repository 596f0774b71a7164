/** Push to a file: a recording. */
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { closable, createScope, describeReason } from '../../core/scope.ts'
import type { Egress } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { acceptsFlv, createFlvOutput, unsureFourCcs } from '../../flv-session/egress.ts'
import { type FlvFile, openFlvFile } from '../../record/flv-file.ts'
import type { AdapterContext } from '../adapter.ts'
import type { FlvConfig } from './config.ts'

const refuseExisting = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined)
    throw new GatewayError('bad-request', `${path} is there already, and nothing is overwritten`)
}

/**
 * Records into a new file, which is made when there is a track to write into it. The file is whole after
 * every tag; duration and size are set when the recording is closed.
 * @throws GatewayError 'bad-url' for another place than a .flv file, 'bad-request' when the file exists,
 * 'no-space', 'io-failed'
 */
export const pushFlv = async (context: AdapterContext, config: FlvConfig, url: URL): Promise<Egress> => {
  if (url.protocol !== 'file:')
    throw new GatewayError('not-implemented', `writing FLV to ${url.protocol} URLs`)
  const path = fileURLToPath(url)
  if (!path.toLowerCase().endsWith('.flv')) throw new GatewayError('bad-url', `${path} does not end in .flv`)
  const scope = createScope(`recording ${path}`)
  await refuseExisting(path)
  await context.admitFile?.()
  let file: FlvFile | undefined
  const create = async (): Promise<FlvFile> => {
    const onFailure = (error: GatewayError): void =>
      void scope.close({ code: 'failed', detail: error.message, error })
    const created = await openFlvFile({ path, onFailure })
    scope.defer(async () => {
      await created.close()
      const { bytes, durationMs } = created
      context.log.info({ path, bytes, durationMs }, 'recording closed')
    })
    return created
  }
  void scope.closed.then(reason => {
    if (reason.code === 'failed') context.log.error({ path }, `recording failed: ${describeReason(reason)}`)
  })
  const output = createFlvOutput({ write: message => file?.write(message) })
  return {
    label: `recording ${path}`,
    pressure: { mode: 'lossless', highWater: config.recordingHighWaterBytes },
    takesLateTracks: true,
    accepts: tracks => acceptsFlv(tracks, { fourCcs: config.fourCcs, unsure: unsureFourCcs }),
    async open(tracks) {
      file ??= await create()
      return output.open(tracks)
    },
    backlog: () => file?.backlog ?? 0,
    ...closable(scope),
  }
}
