import { maskUrls } from '../../observe/mask-urls.ts'
import type { SourceInfo } from '../../sources/source.ts'
import type { Sources } from '../../sources/sources.ts'
import { type ApiRoute, jsonRoute } from '../route.ts'
import { type SourceView, sourcesSchema } from '../schemas/operations.ts'

const sourceView = ({ lastError, nextRetryAt, ...source }: SourceInfo): SourceView => ({
  ...source,
  lastError: lastError === undefined ? null : maskUrls(lastError.message),
  code: lastError?.code ?? null,
  nextRetryAt: nextRetryAt === undefined ? null : new Date(nextRetryAt / 1000).toISOString(),
})

export const sourceRoutes = (sources: Sources): readonly ApiRoute[] => [
  jsonRoute({
    id: 'listSources',
    method: 'GET',
    path: '/v1/sources',
    summary: 'Streams that the gateway fetches itself, always or when somebody wants them',
    access: 'read',
    answer: sourcesSchema,
    run: () => ({ sources: sources.list().map(sourceView) }),
  }),
]
