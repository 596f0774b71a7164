import { GatewayError } from '../../errors.ts'
import type { JobInfo } from '../../jobs/job.ts'
import type { Jobs } from '../../jobs/jobs.ts'
import { type ApiRoute, emptyRoute, jsonRoute } from '../route.ts'
import { type JobView, jobRequestSchema, jobSchema, jobsSchema } from '../schemas/operations.ts'

const isoTime = (ms: number): string => new Date(ms).toISOString()
const missing = (): GatewayError => new GatewayError('not-found', 'no job has this id')

const jobView = ({ error, bytes, createdMs, endedMs, ...job }: JobInfo): JobView => ({
  ...job,
  error: error?.message ?? null,
  code: error?.code ?? null,
  bytes: bytes ?? null,
  created: isoTime(createdMs),
  ended: endedMs === undefined ? null : isoTime(endedMs),
})

/** File jobs: a recording in, another file under the recordings directory out. */
export const jobRoutes = (jobs: Jobs): readonly ApiRoute[] => [
  jsonRoute({
    id: 'listJobs',
    method: 'GET',
    path: '/v1/jobs',
    summary: 'Jobs that wait or run, and the last that are over',
    access: 'read',
    answer: jobsSchema,
    run: () => ({ jobs: jobs.list().map(jobView) }),
  }),
  jsonRoute({
    id: 'addJob',
    method: 'POST',
    path: '/v1/jobs',
    summary: 'Remuxes a recording to MP4, cuts a piece out of it, or takes a thumbnail',
    access: 'write',
    body: jobRequestSchema,
    answer: jobSchema,
    status: 201,
    location: ({ id }) => `/v1/jobs/${id}`,
    run: async ({ body }) => jobView(await jobs.add(body)),
  }),
  jsonRoute({
    id: 'getJob',
    method: 'GET',
    path: '/v1/jobs/{id}',
    summary: 'One job with its progress',
    access: 'read',
    answer: jobSchema,
    run({ params }) {
      const job = jobs.find(params.id ?? '')
      if (job === undefined) throw missing()
      return jobView(job)
    },
  }),
  emptyRoute({
    id: 'removeJob',
    method: 'DELETE',
    path: '/v1/jobs/{id}',
    summary: 'Cancels a job, or forgets one that is over',
    access: 'write',
    run({ params }) {
      if (!jobs.remove(params.id ?? '')) throw missing()
    },
  }),
]
