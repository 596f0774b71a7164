/** A page for Chromium that publishes its fake camera by WHIP, or watches by WHEP, and tells its statistics. */
export const webrtcPage = `<!doctype html><video id="video" autoplay muted playsinline></video><script>
const post = async (url, peer, munge = sdp => sdp) => {
  const offer = await peer.createOffer()
  await peer.setLocalDescription({ type: 'offer', sdp: munge(offer.sdp) })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: peer.localDescription.sdp })
  if (!response.ok) throw new Error(response.status + ' ' + await response.text())
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  window.peer = peer
  window.resource = response.headers.get('location')
}
/** The codecs named, in this order, repair codecs after them. */
const preferred = (kind, names) => {
  const all = RTCRtpReceiver.getCapabilities(kind).codecs
  const is = name => codec => codec.mimeType.toLowerCase() === (kind + '/' + name).toLowerCase()
  return [...names.flatMap(name => all.filter(is(name))), ...all.filter(is('rtx'))]
}
window.publish = async (stream, { video = ['H264'], audio = ['opus'], width = 640, height = 480, bitrate = 1500000 } = {}) => {
  const media = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: 30 }, audio: true })
  const peer = new RTCPeerConnection()
  const [camera] = media.getVideoTracks()
  const sender = peer.addTransceiver(camera, { direction: 'sendonly', sendEncodings: [{ maxBitrate: bitrate }] })
  sender.setCodecPreferences(preferred('video', video))
  peer.addTransceiver(media.getAudioTracks()[0], { direction: 'sendonly' }).setCodecPreferences(preferred('audio', audio))
  await post('/whip/' + stream, peer)
}
window.view = async (stream, { video, munge } = {}) => {
  const peer = new RTCPeerConnection()
  const receiver = peer.addTransceiver('video', { direction: 'recvonly' })
  if (video) receiver.setCodecPreferences(preferred('video', video))
  peer.addTransceiver('audio', { direction: 'recvonly' })
  const media = new MediaStream()
  window.media = media
  peer.ontrack = ({ track }) => {
    media.addTrack(track)
    document.getElementById('video').srcObject = media
  }
  await post('/whep/' + stream, peer, munge ? new Function('sdp', munge) : undefined)
}
/** All statistics of one type as plain objects. */
window.stats = async type => [...(await peer.getStats()).values()].filter(entry => entry.type === type)
window.leave = async () => {
  const response = await fetch(resource, { method: 'DELETE' })
  peer.close()
  return response.status
}
</script>`
