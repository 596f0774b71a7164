import { readFile } from 'node:fs/promises'
import type { Finding } from './finding.ts'

/** Each RTMP or HTTP session is one; ffmpeg jobs are three. */
const comfortable = 4096

/** Node has raised its own limit to the hard one by now. */
export const checkDescriptors = async (limits = '/proc/self/limits'): Promise<Finding> => {
  const check = 'open files'
  const text = await readFile(limits, 'utf8').catch(() => '')
  const [, soft] = /^Max open files\s+(\S+)/m.exec(text) ?? []
  if (soft === undefined) return { check, state: 'ok', detail: 'this system does not tell its limit' }
  if (soft === 'unlimited' || Number(soft) >= comfortable)
    return { check, state: 'ok', detail: `up to ${soft} at once` }
  return {
    ...{ check, state: 'warn', detail: `up to ${soft} at once, ${comfortable} are comfortable` },
    mend: 'raise it: ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit',
  }
}
