import type { Adapter, Listener } from '../../adapters/adapter.ts'
import { type ApiRoute, jsonRoute } from '../route.ts'
import { adaptersSchema } from '../schemas/adapter.ts'
import { healthSchema } from '../schemas/health.ts'
import { adapterView } from '../views.ts'

export const systemRoutes = (
  adapters: readonly Adapter<unknown>[],
  doors: ReadonlyMap<string, Listener>,
): readonly ApiRoute[] => [
  jsonRoute({
    id: 'getHealth',
    method: 'GET',
    path: '/healthz',
    summary: 'It runs and answers',
    access: 'open',
    answer: healthSchema,
    run: () => ({ status: 'ok' as const }),
  }),
  jsonRoute({
    id: 'listAdapters',
    method: 'GET',
    path: '/v1/adapters',
    summary: 'The protocols, what each can carry, and where it listens',
    access: 'play',
    answer: adaptersSchema,
    run: () => ({ adapters: adapters.map(adapter => adapterView(adapter, doors.get(adapter.name))) }),
  }),
]
