/** The sixteen keys of a telephone, and their event numbers: RFC 4733 section 3.2. */

const KEYS = '0123456789*#ABCD'

export type Digit =
  | '0'
  | '1'
  | '2'
  | '3'
  | '4'
  | '5'
  | '6'
  | '7'
  | '8'
  | '9'
  | '*'
  | '#'
  | 'A'
  | 'B'
  | 'C'
  | 'D'

/** The three ways a pressed key travels. */
export type DigitWay = 'rfc4733' | 'info' | 'in-band'

/** undefined: no such key; lower case letters are taken for the key they name. */
export const digitFrom = (text: string): Digit | undefined => {
  const key = text.toUpperCase()
  return key.length === 1 && KEYS.includes(key) ? (key as Digit) : undefined
}

/** Event number of a key, 0 to 15. */
export const eventOf = (digit: Digit): number => KEYS.indexOf(digit)

/** undefined: the event is no key (a hook flash, a fax tone). */
export const digitOfEvent = (event: number): Digit | undefined => KEYS[event] as Digit | undefined

/** All keys of a dial string, spaces and dashes skipped; undefined when it holds anything else. */
export const parseDigits = (text: string): readonly Digit[] | undefined => {
  const digits: Digit[] = []
  for (const key of text.replace(/[\s-]/g, '')) {
    const digit = digitFrom(key)
    if (digit === undefined) return undefined
    digits.push(digit)
  }
  return digits
}
