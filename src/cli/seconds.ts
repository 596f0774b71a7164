import { InvalidArgumentError } from 'commander'

/** For `--duration`. */
export const parseSeconds = (text: string): number => {
  const seconds = Number(text)
  if (text.trim() === '' || !(seconds > 0) || seconds > 2_000_000)
    throw new InvalidArgumentError('It is a number of seconds above 0.')
  return seconds
}
