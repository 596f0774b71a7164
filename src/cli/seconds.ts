import { InvalidArgumentError } from 'commander'

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const
/** Of what `setTimeout` keeps: a little more than 24 days. */
const longestS = 2_000_000
/** A token may be valid for longer than any command runs. */
const longestValidS = 10 * 365 * units.d

const parse =
  (mostS: number) =>
  (text: string): number => {
    const [, count, unit = 's'] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(text) ?? []
    const seconds = Number(count) * units[unit as keyof typeof units]
    if (seconds > 0 && seconds <= mostS) return seconds
    const most = `${Math.floor(mostS / units.d)}d`
    throw new InvalidArgumentError(`It is a time above 0 and up to ${most}: 90 or 90s, 15m, 1.5h, 2d.`)
  }

/** For `--duration`: seconds, or a number with its unit. */
export const parseSeconds = parse(longestS)

/** For `token --for`: the same, whole seconds. */
export const parseValidity = (text: string): number => Math.ceil(parse(longestValidS)(text))
