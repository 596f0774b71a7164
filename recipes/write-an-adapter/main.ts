/** A gateway with one protocol more: `node main.ts SOURCE DESTINATION…` bridges them. */
import { resolve } from 'node:path'
import { adapters, createGateway } from 'crosspoint'
import { ivf } from './ivf.ts'

const [from, ...to] = process.argv.slice(2)
if (from === undefined || to.length === 0) throw new Error('usage: main.ts SOURCE DESTINATION…')

const { HTTP = '127.0.0.1:8080', RTMP = '127.0.0.1:1935', WEBRTC = '127.0.0.1:8189' } = process.env
const doors = { http: { listen: HTTP }, rtmp: { listen: RTMP }, webrtc: { listen: WEBRTC } }
const gateway = await createGateway(doors, { adapters: [...adapters, ivf] })
process.once('SIGINT', () => void gateway.close()).once('SIGTERM', () => void gateway.close())

gateway.bridges.start({ from, to, resolveFile: name => resolve(name) })
await gateway.closed
