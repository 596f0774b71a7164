/** `crosspoint record STREAM FILE`: the gateway writes a stream into its recordings directory. */
import { type Define, examples } from './command.ts'
import { addOpenFlags, type OpenFlags, openBridge } from './open-bridge.ts'

export const define: Define = (command, finish) => {
  addOpenFlags(command)
    .argument('<stream>', 'such as live/cam')
    .argument('<file>', 'under the recordings directory of the gateway: cam.flv, 2026/cam.flv')
    .addHelpText('after', examples('record live/cam cam.flv', 'record live/cam cam.flv --duration 1.5h'))
    .action(async (stream: string, file: string, flags: OpenFlags) =>
      finish(await openBridge(`stream:${stream}`, [file], flags)),
    )
}
