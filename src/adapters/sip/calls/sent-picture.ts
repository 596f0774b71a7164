import type { Registry } from '../../../core/types.ts'
import type { LocalLine } from '../offer-answer/types.ts'

const base64 = (unit: Uint8Array): string => Buffer.from(unit).toString('base64')

/** The H.264 that the far side will see, for offers and answers: what is live now under that name. */
export const sentPicture = (
  registry: Pick<Registry, 'find'>,
  stream: string | undefined,
): Pick<LocalLine, 'profileLevelId' | 'spropParameterSets'> => {
  const tracks = stream === undefined ? [] : (registry.find(stream)?.tracks ?? [])
  const params = tracks.map(track => track.params).find(({ codec }) => codec === 'h264')
  if (params?.codec !== 'h264') return {}
  const { profileLevelId, sps, pps } = params
  return {
    ...(profileLevelId !== undefined && { profileLevelId }),
    ...(sps !== undefined && pps.length > 0 && { spropParameterSets: [sps, ...pps].map(base64).join(',') }),
  }
}
