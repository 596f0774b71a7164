import { parseStreamName } from '../../core/stream-name.ts'
import type { Snapshots } from '../../snapshot/snapshots.ts'
import { type ApiRoute, mediaRoute } from '../route.ts'

export const snapshotRoutes = (snapshots: Snapshots): readonly ApiRoute[] => [
  mediaRoute({
    id: 'getSnapshot',
    method: 'GET',
    path: '/v1/streams/{name}/snapshot.jpg',
    summary: 'The last key frame, at most 1280x720',
    access: 'play',
    media: 'image/jpeg',
    async run({ params }) {
      const picture = await snapshots.take(parseStreamName(params.name ?? ''))
      const headers = { 'content-type': 'image/jpeg', 'cache-control': 'no-store' }
      return new Response(picture as Uint8Array<ArrayBuffer>, { headers })
    },
  }),
]
