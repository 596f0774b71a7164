/** `crosspoint job remux|cut|thumbnail|list|cancel`: file jobs of a running gateway. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { ERRORS, type ErrorCode, GatewayError } from '../errors.ts'
import type { JobView } from '../http/schemas/operations.ts'
import type { JobInput } from '../jobs/request.ts'
import { type Api, type ApiFlags, addApiFlags, createApi } from './api-client.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { columns, print, printJson } from './print.ts'
import { parseSeconds } from './seconds.ts'
import { byteCount } from './words.ts'

interface JobFlags extends ApiFlags {
  readonly detach?: boolean
}

const pollMs = 200
const percent = (progress: number): string => `${Math.round(progress * 100)} %`

const showProgress = ({ progress }: JobView): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${percent(progress)} `)
}

const isOver = ({ state }: JobView): boolean => state !== 'queued' && state !== 'running'

const untilOver = async (api: Api, first: JobView): Promise<JobView> => {
  let job = first
  while (!isOver(job)) {
    showProgress(job)
    await sleep(pollMs)
    job = await api.get<JobView>(`/v1/jobs/${job.id}`)
  }
  return job
}

const errorOf = ({ state, code, error, to }: JobView): GatewayError => {
  if (code === null || !(code in ERRORS)) return new GatewayError('closed', `${to}: the job was ${state}`)
  const known = code as ErrorCode
  return new GatewayError(known, error?.replace(`${ERRORS[known][1]}: `, ''))
}

const run = async (request: JobInput, flags: JobFlags): Promise<void> => {
  const api = createApi(flags)
  const added = await api.post<JobView>('/v1/jobs', request)
  const job = flags.detach ? added : await untilOver(api, added)
  if (flags.json) printJson(job)
  else if (flags.detach) print(`Job ${job.id} makes ${job.to}.`)
  else if (job.state === 'done') print(`${job.to}: ${byteCount(job.bytes ?? 0)}`)
  if (isOver(job) && job.state !== 'done') throw errorOf(job)
}

const list = async (flags: ApiFlags): Promise<void> => {
  const answer = await createApi(flags).get<{ jobs: JobView[] }>('/v1/jobs')
  const row = ({ id, kind, from, to, state, progress, error }: JobView): string[] => [
    ...[id, kind, from, to, state],
    ...[percent(progress), error ?? ''],
  ]
  if (flags.json) printJson(answer)
  else if (answer.jobs.length === 0) print('There are no jobs.')
  else print(columns([['ID', 'KIND', 'FROM', 'TO', 'STATE', 'DONE', 'ERROR'], ...answer.jobs.map(row)]))
}

const cancel = async (id: string, flags: ApiFlags): Promise<void> => {
  await createApi(flags).delete(`/v1/jobs/${encodeURIComponent(id)}`)
  print(`Cancelled ${id}.`)
}

export const define: Define = (command, finish) => {
  const done = async (work: Promise<void>): Promise<void> => {
    await work
    finish(EXIT.ok)
  }
  const maker = (name: string, what: string): Command =>
    addApiFlags(command.command(name).description(what))
      .argument('<from>', 'under the recordings directory of the gateway')
      .argument('<to>', 'the same; it must not exist')
      .option('--detach', 'do not wait for its end')
      .option('--json', 'as JSON')

  maker('remux', 'a recording as MP4, without transcoding')
    .addHelpText('after', examples('job remux live/cam.flv cam.mp4'))
    .action((from: string, to: string, flags: JobFlags) => done(run({ kind: 'remux', from, to }, flags)))
  maker('cut', 'a piece of a recording, without transcoding')
    .requiredOption('--duration <time>', 'how long', parseSeconds)
    .option('--start <time>', 'from there, or the key frame before', parseSeconds)
    .addHelpText('after', examples('job cut live/cam.flv piece.mp4 --start 60 --duration 30'))
    .action((from: string, to: string, flags: JobFlags & { start?: number; duration: number }) =>
      done(run({ kind: 'cut', from, to, start: flags.start, duration: flags.duration }, flags)),
    )
  maker('thumbnail', 'one picture of a recording as JPEG')
    .option('--at <time>', 'of that moment', parseSeconds)
    .option('--width <pixels>', 'how wide', Number)
    .addHelpText('after', examples('job thumbnail live/cam.flv cam.jpg --at 12.5 --width 320'))
    .action((from: string, to: string, flags: JobFlags & { at?: number; width?: number }) =>
      done(run({ kind: 'thumbnail', from, to, at: flags.at, width: flags.width }, flags)),
    )
  addApiFlags(command.command('list').description('jobs that wait, run or are over'))
    .option('--json', 'as JSON')
    .action((flags: ApiFlags) => done(list(flags)))
  addApiFlags(command.command('cancel').description('end a job, or forget one that is over'))
    .argument('<id>', 'as "crosspoint job list" shows it')
    .action((id: string, flags: ApiFlags) => done(cancel(id, flags)))
  command.addHelpText('after', examples('job remux live/cam.flv cam.mp4', 'job list', 'job cancel 1f3a9c02'))
}
