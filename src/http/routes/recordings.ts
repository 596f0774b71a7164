import type { Recordings } from '../../recordings/recordings.ts'
import { type ApiRoute, emptyRoute, jsonRoute } from '../route.ts'
import { recordingsSchema } from '../schemas/operations.ts'

/** What is under the recordings directory. */
export const recordingRoutes = (recordings: Recordings): readonly ApiRoute[] => [
  jsonRoute({
    id: 'listRecordings',
    method: 'GET',
    path: '/v1/recordings',
    summary: 'Recordings, and what jobs have made of them',
    access: 'read',
    answer: recordingsSchema,
    async run() {
      const [list, freeBytes] = await Promise.all([recordings.list(), recordings.free()])
      return {
        recordings: list.map(({ name, bytes, modifiedMs, open }) => {
          return { name, bytes, modified: new Date(modifiedMs).toISOString(), open }
        }),
        bytes: list.reduce((sum, { bytes }) => sum + bytes, 0),
        freeBytes,
      }
    },
  }),
  emptyRoute({
    id: 'deleteRecording',
    method: 'DELETE',
    path: '/v1/recordings/{name}',
    summary: 'Deletes one, unless it is in use',
    access: 'write',
    run: ({ params }) => recordings.remove(params.name ?? ''),
  }),
]
