import type { VpxParameters } from '../types.ts'

/** The parameters with what a key frame says; the same object when nothing differs. */
export const withPicture = (
  params: VpxParameters,
  profile: number,
  size: VpxParameters['size'],
): VpxParameters => {
  const same =
    params.profile === profile && params.size?.width === size?.width && params.size?.height === size?.height
  return same ? params : { ...params, profile, size }
}
