/** `crosspoint streams`: what is live on a running gateway. */
import type { StreamView } from '../http/schemas/stream.ts'
import { type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson } from './print.ts'
import { age, bitRate, trackParameters } from './words.ts'

const sourceTracks = ({ tracks }: StreamView): StreamView['tracks'] =>
  tracks.filter(({ derivedFrom }) => derivedFrom === undefined)

/** Of the source; what is made of it is not counted. */
export const sourceBitRate = (stream: StreamView): number =>
  sourceTracks(stream).reduce((sum, { stats }) => sum + (stats?.bitsPerSecond ?? 0), 0)

export const streamsHead = ['STREAM', 'STATE', 'LIVE FOR', 'TRACKS', 'BIT RATE', 'READERS', 'PUBLISHER']

export const streamRow = (stream: StreamView): string[] => [
  stream.name,
  stream.state,
  age(stream.since),
  sourceTracks(stream).map(trackParameters).join(', ') || '–',
  bitRate(sourceBitRate(stream)),
  String(stream.viewers),
  stream.publisher ?? '–',
]

const streams = async (flags: ApiFlags): Promise<void> => {
  const answer = await createApi(flags).get<{ streams: StreamView[] }>('/v1/streams')
  if (flags.json) printJson(answer)
  else if (answer.streams.length === 0) print('Nothing is live.')
  else print(columns([streamsHead, ...answer.streams.map(streamRow)]))
}

export const define: Define = (command, finish) => {
  addApiFlags(command)
    .option('--json', 'as JSON, with all that the API knows')
    .addHelpText('after', examples('streams', "streams --json | jq -r '.streams[].name'"))
    .action(async (flags: ApiFlags) => {
      await streams(flags)
      finish(EXIT.ok)
    })
}
