/** nginx with its RTMP module (Debian: libnginx-mod-rtmp), on a free port of the loopback. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startProgram, until } from './program.ts'

export interface NginxRtmp {
  readonly port: number
  /** Process id of the only process it has. */
  readonly pid: number
  /** `rtmp://127.0.0.1:PORT/live/NAME`. */
  url(name: string, app?: string): string
  stop(): Promise<void>
}

const modules = ['/usr/lib/nginx/modules', '/usr/share/nginx/modules']

/** Applications: `live` for everybody, `closed` that refuses publishers. */
const config = (folder: string, port: number, module: string): string => `
load_module ${module};
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr info;
events { worker_connections 512; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    chunk_size 4096;
    ack_window 500000;
    application live { live on; wait_key on; drop_idle_publisher 10s; }
    application closed { live on; deny publish all; }
  }
}
`

export const canConnect = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** `usualPort`: one that it had before; default a free one. */
export const startNginxRtmp = async (usualPort?: number): Promise<NginxRtmp> => {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-rtmp-'))
  await mkdir(join(folder, 'logs'))
  const port = usualPort ?? (await freePort())
  const module = modules.map(path => join(path, 'ngx_rtmp_module.so')).find(path => existsSync(path))
  if (module === undefined) throw new Error('libnginx-mod-rtmp is missing')
  const file = join(folder, 'nginx.conf')
  await writeFile(file, config(folder, port, module))
  const nginx = startProgram('nginx', ['-p', folder, '-c', file, '-e', 'stderr'])
  await until(
    () => `nginx listens on ${port}: ${nginx.output()}`,
    async () => canConnect(port),
  )
  return {
    port,
    pid: nginx.child.pid!,
    url: (name, app = 'live') => `rtmp://127.0.0.1:${port}/${app}/${name}`,
    stop: async () => {
      await nginx.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
