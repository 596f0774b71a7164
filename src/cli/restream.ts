/** `crosspoint restream STREAM URL…`: the gateway sends a stream to other services. */
import { type Define, examples } from './command.ts'
import { givenText } from './given-text.ts'
import { addOpenFlags, type OpenFlags, openBridge } from './open-bridge.ts'

const help = `
URLs: youtube:KEY, facebook:KEY, twitch:KEY, rtmp://host/app/key, rtmps://…, each also with #profile=youtube.
Keys need not be typed: env:NAME, file:PATH and - (stdin) stand for a URL or, behind "youtube:", for a key.
`

export const define: Define = (command, finish) => {
  addOpenFlags(command)
    .argument('<stream>', 'such as live/cam')
    .argument('<url...>', 'where it goes; each is kept connected on its own')
    .addHelpText('after', help)
    .addHelpText(
      'after',
      examples(
        'restream live/cam youtube:env:YOUTUBE_KEY twitch:file:/run/secrets/twitch',
        'restream live/cam rtmps://host.example/app/KEY',
        'restream live/cam - < url.txt',
      ),
    )
    .action(async (stream: string, urls: string[], flags: OpenFlags) =>
      finish(await openBridge(`stream:${stream}`, urls.map(givenText), flags)),
    )
}
