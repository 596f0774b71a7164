/** What WHIP (RFC 9725) and WHEP have in common: one offer posted, one answer back, one resource to delete. */
import { ask } from './api.ts'
import { withToken } from './token.ts'

export interface Session {
  readonly peer: RTCPeerConnection
  /** Ends the session at the gateway too. */
  close(): void
}

/** Resolves when the connection is lost. `disconnected` may heal by itself and gets a few seconds. */
export const untilLost = (peer: RTCPeerConnection): Promise<void> =>
  new Promise(resolve => {
    let timer = 0
    peer.addEventListener('connectionstatechange', () => {
      clearTimeout(timer)
      if (peer.connectionState === 'failed' || peer.connectionState === 'closed') resolve()
      if (peer.connectionState === 'disconnected') timer = window.setTimeout(resolve, 4000)
    })
  })

/** Resolves once media can flow. */
export const untilConnected = (peer: RTCPeerConnection, timeoutMs = 10_000): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error('No answer over UDP: a firewall may be in the way'))
    const timer = window.setTimeout(fail, timeoutMs)
    const check = (): void => {
      if (peer.connectionState === 'connected') resolve()
      else if (peer.connectionState === 'failed') fail()
      else return
      clearTimeout(timer)
      peer.removeEventListener('connectionstatechange', check)
    }
    peer.addEventListener('connectionstatechange', check)
    check()
  })

/** Posts the offer of `peer`. The gateway needs none of our candidates: it answers where we knock. */
export const negotiate = async (peer: RTCPeerConnection, path: string): Promise<Session> => {
  await peer.setLocalDescription()
  const response = await ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: peer.localDescription?.sdp ?? '',
  })
  const resource = response.headers.get('location')
  const close = (): void => {
    peer.close()
    // keepalive: it is still sent when the page is going away.
    if (resource !== null)
      void fetch(resource, withToken({ method: 'DELETE', keepalive: true })).catch(() => undefined)
  }
  try {
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  } catch (error) {
    close()
    throw error
  }
  return { peer, close }
}
