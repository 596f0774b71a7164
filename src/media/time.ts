/**
 * The plain integer nearest to `reference` whose low 16 bits are `value`: sequence numbers that never wrap,
 * tolerant of reordering by up to 32767 either way. The first value of a stream is its own reference.
 */
export const unwrap16 = (reference: number, value: number): number =>
  reference + (((value - reference) << 16) >> 16)

/** As `unwrap16` for 32-bit times: RTP timestamps, RTMP milliseconds. */
export const unwrap32 = (reference: number, value: number): number => reference + ((value - reference) | 0)
