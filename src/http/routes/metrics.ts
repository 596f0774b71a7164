import { type ApiRoute, mediaRoute } from '../route.ts'

export const metricsRoute = (metrics: () => string): ApiRoute =>
  mediaRoute({
    id: 'getMetrics',
    method: 'GET',
    path: '/metrics',
    summary: 'Numbers for Prometheus',
    access: 'read',
    media: 'text/plain',
    run: async () =>
      new Response(metrics(), {
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
      }),
  })
