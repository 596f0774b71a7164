/** Words as a POSIX shell takes them. */

const PLAIN = /^[A-Za-z0-9_@%+=:,./!-]+$/

/** One word, quoted where it must be. */
export const quoteWord = (word: string): string =>
  PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

export const commandLine = (...words: readonly string[]): string => words.map(quoteWord).join(' ')
