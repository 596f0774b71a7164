import type { LiveConfig } from '../../config/live-config.ts'
import type { Change } from '../../config/plan.ts'
import { maskUrls } from '../../observe/mask-urls.ts'
import { type ApiRoute, jsonRoute } from '../route.ts'
import { changesSchema, configSchema, planRequestSchema } from '../schemas/operations.ts'

const changeView = ({ unit: _unit, ...change }: Change): Omit<Change, 'unit'> => change

const lastReloadView = ({ lastReload }: LiveConfig) =>
  lastReload === undefined
    ? null
    : {
        at: new Date(lastReload.at / 1000).toISOString(),
        error: lastReload.error === undefined ? null : maskUrls(lastReload.error.message),
      }

export const configRoutes = (live: LiveConfig): readonly ApiRoute[] => [
  jsonRoute({
    id: 'getConfig',
    method: 'GET',
    path: '/v1/config',
    summary: 'Every key with its value, where that comes from, and when a change of it takes effect',
    access: 'read',
    answer: configSchema,
    run: () => ({
      keys: [...live.explain()],
      pending: live.pending.map(changeView),
      lastReload: lastReloadView(live),
    }),
  }),
  jsonRoute({
    id: 'planConfig',
    method: 'POST',
    path: '/v1/config/plan',
    summary: 'What another configuration file would change; nothing is changed',
    access: 'write',
    body: planRequestSchema,
    answer: changesSchema,
    run: async ({ body }) => ({ changes: (await live.plan(body.config)).map(changeView) }),
  }),
  jsonRoute({
    id: 'reloadConfig',
    method: 'POST',
    path: '/v1/config/reload',
    summary: 'Reads the configuration file anew; one that cannot be taken changes nothing',
    access: 'write',
    answer: changesSchema,
    run: async () => ({ changes: (await live.reload()).map(changeView) }),
  }),
]
