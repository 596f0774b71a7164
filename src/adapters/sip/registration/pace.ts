/** When the next REGISTER goes out. */

/** Refused for what we are or say: trying again soon would look like guessing, and get us banned. */
const isRefusal = (code: number): boolean =>
  (code >= 300 && code < 500 && code !== 408 && code !== 480 && code !== 491) || code >= 600

const FIRST_RETRY_MS = 5000
const LAST_RETRY_MS = 300_000
const FIRST_AFTER_REFUSAL_MS = 60_000
const LAST_AFTER_REFUSAL_MS = 3_600_000

/**
 * Milliseconds until the next try after the `failures`-th failure in a row: doubled each time, between half of it and
 * all of it. What the registrar asks for with Retry-After is kept, up to an hour.
 */
export const retryDelayMs = (
  code: number,
  failures: number,
  retryAfterS: number | undefined,
  random: number,
): number => {
  const [first, last] = isRefusal(code)
    ? [FIRST_AFTER_REFUSAL_MS, LAST_AFTER_REFUSAL_MS]
    : [FIRST_RETRY_MS, LAST_RETRY_MS]
  const delay = Math.min(last, first * 2 ** Math.min(failures - 1, 16))
  const askedMs = Math.min(retryAfterS ?? 0, 3600) * 1000
  return Math.round(Math.max(delay * (0.5 + random / 2), askedMs * (1 + random / 10)))
}

/** Milliseconds until a registration that holds for `expiresS` is renewed: at 75 to 90 % of it. */
export const refreshDelayMs = (expiresS: number, random: number): number =>
  Math.round(expiresS * 1000 * (0.75 + random * 0.15))
