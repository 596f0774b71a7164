/** `crosspoint doctor`: looks whether this machine has what a gateway needs. */
import { styleText } from 'node:util'
import { type Config, parseConfig } from '../config/config.ts'
import { type Define, examples } from './command.ts'
import { checkAddon } from './doctor/addon.ts'
import { checkAddress } from './doctor/address.ts'
import { checkDescriptors } from './doctor/descriptors.ts'
import { checkDisk } from './doctor/disk.ts'
import { checkFfmpeg } from './doctor/ffmpeg.ts'
import type { Finding } from './doctor/finding.ts'
import { checkNode } from './doctor/node-version.ts'
import { checkPorts } from './doctor/ports.ts'
import { checkRtp } from './doctor/rtp.ts'
import { checkBridge } from './doctor/self-test.ts'
import { checkOpus, checkSip, type SipSection } from './doctor/sip.ts'
import { EXIT } from './exit-codes.ts'
import { addFlags, type Flags, readFlags } from './flags.ts'
import { print, printJson } from './print.ts'

interface DoctorFlags extends Flags {
  readonly json?: boolean
}

type RtpSection = Parameters<typeof checkRtp>[0]
type WebRtcAddresses = Parameters<typeof checkAddress>[0]

async function* examine(config: Config): AsyncGenerator<Finding> {
  const { transcode, recordings } = config
  yield checkNode()
  yield* await checkPorts(config)
  yield await checkRtp(config.adapters.get('rtp') as RtpSection)
  yield* await checkSip(config.adapters.get('sip') as SipSection)
  yield await checkOpus()
  yield await checkFfmpeg(transcode.ffmpeg)
  yield* checkAddon()
  yield await checkDescriptors()
  yield await checkDisk(recordings.directory, recordings.minFreeBytes)
  yield checkAddress(config.adapters.get('webrtc') as WebRtcAddresses)
  yield await checkBridge(transcode.ffmpeg)
}

const colors = { ok: 'green', warn: 'yellow', fail: 'red' } as const

const describe = ({ check, state, detail, mend }: Finding): string => {
  const mark = styleText(colors[state], state.padEnd(4), { stream: process.stdout })
  return `${mark}  ${check.padEnd(15)} ${detail}${mend === undefined ? '' : `\n      → ${mend}`}`
}

const doctor = async (flags: DoctorFlags): Promise<number> => {
  const findings: Finding[] = []
  for await (const finding of examine(parseConfig(await readFlags(flags)))) {
    findings.push(finding)
    if (!flags.json) print(describe(finding))
  }
  if (flags.json) printJson({ checks: findings.map(({ exitCode: _, ...finding }) => finding) })
  const failed = findings.find(({ state }) => state === 'fail')
  return failed === undefined ? EXIT.ok : (failed.exitCode ?? EXIT.usage)
}

const help = `
It takes the flags and the file of "serve", so that it looks at the same ports, directories and programs.
The exit code is that of the first check that fails; warnings leave it 0.
`

export const define: Define = (command, finish) => {
  addFlags(command)
    .option('--json', 'as JSON')
    .addHelpText('after', help)
    .addHelpText('after', examples('doctor', 'doctor --config crosspoint.yaml', 'doctor --json'))
    .action(async (flags: DoctorFlags) => finish(await doctor(flags)))
}
