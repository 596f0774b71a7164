/** What the page asks for again and again, while the part that shows it is there. */
import { useEffect, useRef, useState } from 'preact/hooks'

/** Calls `run` now and then every `ms` until the returned function is called; a slow run is never overtaken. */
const every = (ms: number, run: () => Promise<void>): (() => void) => {
  let stopped = false
  let timer = 0
  const turn = async (): Promise<void> => {
    await run().catch(() => undefined)
    if (!stopped) timer = window.setTimeout(turn, ms)
  }
  void turn()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** `run` may change from one drawing to the next: the newest one is called. */
export const useEvery = (ms: number, run: () => Promise<void>): void => {
  const newest = useRef(run)
  newest.current = run
  useEffect(() => every(ms, () => newest.current()), [ms])
}

/** What `load` gave last, asked for every `ms`, and a way to ask at once. */
export const usePolled = <T>(ms: number, load: () => Promise<T>): readonly [T | undefined, () => void] => {
  const [value, setValue] = useState<T>()
  const refresh = async (): Promise<void> => setValue(await load())
  useEvery(ms, refresh)
  return [value, () => void refresh().catch(() => undefined)]
}
