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
/** Two tones as one stereo track: left and right, in hertz. */
const tones = (left, right) => {
  const context = new AudioContext({ sampleRate: 48000 })
  const merger = context.createChannelMerger(2)
  ;[left, right].forEach((frequency, channel) => {
    const oscillator = new OscillatorNode(context, { frequency })
    oscillator.connect(new GainNode(context, { gain: 0.3 })).connect(merger, 0, channel)
    oscillator.start()
  })
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 2 })
  merger.connect(destination)
  return destination.stream.getAudioTracks()[0]
}
window.publish = async (stream, { video = ['H264'], audio = ['opus'], width = 640, height = 480, bitrate = 1500000, tone } = {}) => {
  const media = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: 30 }, audio: true })
  const peer = new RTCPeerConnection()
  const [camera] = media.getVideoTracks()
  const sender = peer.addTransceiver(camera, { direction: 'sendonly', sendEncodings: [{ maxBitrate: bitrate }] })
  sender.setCodecPreferences(preferred('video', video))
  peer.addTransceiver(tone ? tones(...tone) : media.getAudioTracks()[0], { direction: 'sendonly' }).setCodecPreferences(preferred('audio', audio))
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
/** The loudest frequency of each channel of what is received, in hertz, and how loud it is, in decibels. */
window.spectrum = async () => {
  const context = new AudioContext({ sampleRate: 48000 })
  const source = context.createMediaStreamSource(media)
  const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 })
  source.connect(splitter)
  const analysers = [0, 1].map(channel => {
    const analyser = new AnalyserNode(context, { fftSize: 32768, smoothingTimeConstant: 0 })
    splitter.connect(analyser, channel)
    return analyser
  })
  await new Promise(resolve => setTimeout(resolve, 1200))
  const peaks = analysers.map(analyser => {
    const bins = new Float32Array(analyser.frequencyBinCount)
    analyser.getFloatFrequencyData(bins)
    const best = bins.reduce((found, level, i) => (level > bins[found] ? i : found), 0)
    return { hertz: (best * 48000) / 32768, decibels: bins[best] }
  })
  await context.close()
  return peaks
}
/** All statistics of one type as plain objects. */
window.stats = async type => [...(await peer.getStats()).values()].filter(entry => entry.type === type)
window.leave = async () => {
  const response = await fetch(resource, { method: 'DELETE' })
  peer.close()
  return response.status
}
</script>`
