/** node-media-server as a peer: in a process of its own, for it ends the process on some errors. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canConnect } from './nginx-rtmp.ts'
import { freePort, startProgram, until } from './program.ts'

export const startNodeMediaServer = async (): Promise<{
  url(name: string): string
  stop(): Promise<void>
}> => {
  const folder = await mkdtemp(join(tmpdir(), 'nms-'))
  const module = createRequire(import.meta.url).resolve('node-media-server')
  const [port, http] = [await freePort(), await freePort()]
  const config = {
    bind: '127.0.0.1',
    rtmp: { port },
    http: { port: http },
    store: { path: folder },
    record: { auto: false, path: folder },
    auth: { play: false, publish: false, secret: '', jwt: { users: [] } },
    webadmin: { enable: false },
    notify: { url: '' },
  }
  const code = `new (require(${JSON.stringify(module)}))(${JSON.stringify(config)}).run()`
  const server = startProgram(process.execPath, ['--input-type=commonjs', '-e', code], { cwd: folder })
  await until(
    () => `node-media-server listens: ${server.output()}`,
    () => canConnect(port),
  )
  return {
    url: name => `rtmp://127.0.0.1:${port}/live/${name}`,
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
