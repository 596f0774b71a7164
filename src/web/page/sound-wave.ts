/** What a stream without a picture shows in its place: how loud it was in the last seconds. */
import { type ComponentChild, h, type RefObject } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useEvery } from './polling.ts'

const bars = 48
const everyMs = 100
/** From here on up sound is drawn, in dB below the loudest there is. */
const quietestDb = 60

/** Both only grow: energy of the sound, and how long it was, in seconds. */
interface Energy {
  readonly total: number
  readonly seconds: number
}

const energyOf = async (peer: RTCPeerConnection): Promise<Energy | undefined> => {
  const reports = [...(await peer.getStats()).values()]
  const sound = reports.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio')
  return sound && { total: Number(sound.totalAudioEnergy), seconds: Number(sound.totalSamplesDuration) }
}

/** 0 to 1 on a scale of decibels. */
const levelBetween = (before: Energy | undefined, now: Energy): number => {
  if (before === undefined || now.seconds <= before.seconds) return 0
  const meanSquare = (now.total - before.total) / (now.seconds - before.seconds)
  return Math.max(0, Math.min(1, 1 + (10 * Math.log10(Math.max(meanSquare, 1e-9))) / quietestDb))
}

const bar = (level: number, index: number): ComponentChild => {
  const height = 2 + 36 * level
  return h('rect', { key: index, x: index * 5 + 1, y: 20 - height / 2, width: 3, height, rx: 1.5 })
}

export interface SoundWaveProps {
  readonly peer: () => RTCPeerConnection | undefined
  readonly player: RefObject<HTMLMediaElement | null>
}
export const SoundWave = ({ peer, player }: SoundWaveProps): ComponentChild => {
  const [levels, setLevels] = useState<readonly number[]>(() => Array<number>(bars).fill(0))
  const before = useRef<Energy>(undefined)
  useEvery(everyMs, async () => {
    const connection = peer()
    const now = connection && (await energyOf(connection))
    if (now === undefined) return
    const level = levelBetween(before.current, now)
    before.current = now
    setLevels(earlier => [...earlier.slice(1), level])
  })
  // Browsers do not play, and so do not measure, what is muted.
  const words = player.current?.muted === false ? 'Sound only' : 'Sound only, muted so far'
  return h(
    'div',
    { class: 'sound-wave' },
    h('svg', { viewBox: `0 0 ${bars * 5} 40`, 'aria-hidden': true }, levels.map(bar)),
    h('p', {}, words),
  )
}
