/** Seconds from 1900 (NTP) to 1970 (Unix). */
const NTP_EPOCH_OFFSET_S = 2_208_988_800
const TWO_32 = 2 ** 32

/** 64-bit NTP time, as two words, to microseconds since the Unix epoch. Eras are not handled: good until 2036. */
export const ntpToWall = (seconds: number, fraction: number): number =>
  (seconds - NTP_EPOCH_OFFSET_S) * 1e6 + Math.round((fraction * 1e6) / TWO_32)

export interface NtpTime {
  readonly seconds: number
  readonly fraction: number
}

/** Microseconds since the Unix epoch to 64-bit NTP time. */
export const wallToNtp = (wall: number): NtpTime => {
  const wholeSeconds = Math.floor(wall / 1e6)
  return {
    seconds: (wholeSeconds + NTP_EPOCH_OFFSET_S) >>> 0,
    fraction: Math.floor(((wall - wholeSeconds * 1e6) * TWO_32) / 1e6) >>> 0,
  }
}

/** The middle 32 bits: 16.16 seconds, the form that reports echo (RFC 3550 4). */
export const ntpMiddle = ({ seconds, fraction }: NtpTime): number =>
  ((seconds << 16) | (fraction >>> 16)) >>> 0
