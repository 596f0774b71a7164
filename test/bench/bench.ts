/** What a bench file exports to the runner. */
export interface Row {
  readonly name: string
  readonly [column: string]: string | number
}

export type Options = ReadonlyMap<string, string>
export type Bench = (options: Options) => Promise<readonly Row[]>

/** A positive integer among the options. */
export const countOption = (options: Options, name: string, fallback: number): number => {
  const value = Number(options.get(name) ?? fallback)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} wants a whole number from 1 on`)
  return value
}
