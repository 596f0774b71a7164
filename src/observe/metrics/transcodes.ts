/** Transcodes: how many, what they may take, and how well the sound of voices gets through. */
import type { VoiceTotals } from '../../transcode/voice/voice-totals.ts'
import type { Exposition } from './exposition.ts'

export interface TranscodeMeasures {
  running(): readonly unknown[]
  voices(): VoiceTotals
  readonly budget: { readonly cores: number; readonly used: number }
}

const addVoices = (out: Exposition, voices: VoiceTotals): void => {
  const { concealedMs, silentMs, dropped, worstJitterMs } = voices
  out.add(
    'crosspoint_voice_made_up_seconds_total',
    'counter',
    'Sound of live voices that was transcoded without having come: concealed for lost or late packets, or silence',
    [
      [{ how: 'concealed' }, concealedMs / 1000],
      [{ how: 'silence' }, silentMs / 1000],
    ],
  )
  const causes = Object.entries(dropped).map(([cause, count]) => [{ cause }, count] as const)
  out.add('crosspoint_voice_dropped_packets_total', 'counter', 'Packets of voices not transcoded', causes)
  out.add(
    'crosspoint_voice_jitter_worst_seconds',
    'gauge',
    'Unevenness that the worst transcoded voice meets',
    [[{}, worstJitterMs / 1000]],
  )
}

export const addTranscodes = (out: Exposition, { running, voices, budget }: TranscodeMeasures): void => {
  out.add('crosspoint_transcodes', 'gauge', 'Transcodes that run', [[{}, running().length]])
  out.add('crosspoint_transcode_cores', 'gauge', 'Processor cores for transcodes', [
    [{ what: 'budget' }, budget.cores],
    [{ what: 'used' }, budget.used],
  ])
  addVoices(out, voices())
}
