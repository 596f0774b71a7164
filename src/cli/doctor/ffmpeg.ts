import { findFfmpeg } from '../../transcode/ffmpeg.ts'
import { EXIT } from '../exit-codes.ts'
import type { Finding } from './finding.ts'

/** What each encoder makes; without it that one conversion is refused. */
const encoders = { aac: 'AAC', libopus: 'Opus', libx264: 'H.264', libvpx: 'VP8' } as const

/** `path` is `transcode.ffmpeg` of the configuration. */
export const checkFfmpeg = async (path: string): Promise<Finding> => {
  const check = 'ffmpeg'
  const found = await findFfmpeg(path)
  if ('missing' in found)
    return {
      ...{ check, state: 'fail', detail: found.missing },
      ...{ mend: 'install it, or set transcode.ffmpeg to its path', exitCode: EXIT.dependency },
    }
  const { ffmpeg } = found
  const absent = Object.entries(encoders).filter(([name]) => !ffmpeg.encoders.has(name))
  if (absent.length === 0)
    return { check, state: 'ok', detail: `${ffmpeg.version} with ${Object.keys(encoders).join(', ')}` }
  const list = absent.map(([name, codec]) => `${name} (${codec})`).join(', ')
  return {
    ...{ check, state: 'warn', detail: `${ffmpeg.version} has no ${list}` },
    mend: 'install an ffmpeg that was built with these, such as that of Debian or Ubuntu',
  }
}
