/** `/` and what it loads. The policy lets the page talk to this gateway and run nothing but its own files. */
import type { HttpMount } from '../adapters/adapter.ts'
import { GatewayError } from '../errors.ts'
import type { Asset } from '../web/assets.ts'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "media-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const respond = (asset: Asset | undefined, name: string): Response => {
  if (asset === undefined) throw new GatewayError('not-found', `the page has no file ${name}`)
  const headers = {
    'content-type': asset.type,
    'cache-control': 'no-cache',
    'content-security-policy': policy,
  }
  return new Response(asset.body, { headers })
}

export const mountPage = (http: HttpMount, assets: ReadonlyMap<string, Asset>): void => {
  http.route('GET', '/', async () => respond(assets.get('index.html'), 'index.html'))
  http.route('GET', '/assets/:name', async ({ params }) => {
    const name = params.name ?? ''
    return respond(assets.get(name), JSON.stringify(name))
  })
}
