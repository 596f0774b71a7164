import { toGatewayError } from '../../errors.ts'
import { loadNative } from '../../native/index.ts'
import type { Native } from '../../native/types.ts'
import { EXIT } from '../exit-codes.ts'
import { byteCount } from '../words.ts'
import type { Finding } from './finding.ts'

const askedBytes = 8 << 20

interface Granted {
  readonly receiveBufferBytes: number
  readonly sendBufferBytes: number
}

/** Bursts of key frames go through these. */
export const checkBuffers = ({ receiveBufferBytes, sendBufferBytes }: Granted): Finding => {
  const check = 'socket buffers'
  const shown = `${byteCount(receiveBufferBytes)} to receive, ${byteCount(sendBufferBytes)} to send`
  const detail = `granted ${shown}, asked for ${byteCount(askedBytes)} each`
  if (Math.min(receiveBufferBytes, sendBufferBytes) >= askedBytes) return { check, state: 'ok', detail }
  const mend = `sysctl -w net.core.rmem_max=${askedBytes} net.core.wmem_max=${askedBytes} (matters from some dozen WebRTC viewers on, and for large pictures over RTP)`
  return { check, state: 'warn', detail, mend }
}

/** Linux says twice what it was asked for, as it keeps its own books in there too (socket(7)). */
const granted = ({ receiveBufferBytes, sendBufferBytes }: Granted): Granted => {
  const factor = process.platform === 'linux' ? 2 : 1
  return { receiveBufferBytes: receiveBufferBytes / factor, sendBufferBytes: sendBufferBytes / factor }
}

/** The native addon, and what the operating system grants its sockets. */
export const checkAddon = (load: () => Native = loadNative): Finding[] => {
  try {
    const socket = load().openUdp({ host: '127.0.0.1', port: 0 })
    const buffers = checkBuffers(granted(socket))
    socket.close()
    return [{ check: 'native addon', state: 'ok', detail: 'loaded, its UDP socket opens' }, buffers]
  } catch (error) {
    const detail = toGatewayError(error).message
    const mend =
      'npm rebuild crosspoint (in a checkout: npm ci), with a C++ compiler; without it there is no WebRTC'
    return [{ check: 'native addon', state: 'fail', detail, mend, exitCode: EXIT.dependency }]
  }
}
