/** Ctrl-C and SIGTERM end things in order; a second one ends them at once. */
const exitOf = { SIGINT: 130, SIGTERM: 143 } as const
type StopSignal = keyof typeof exitOf

/** Resolves at the first signal. From then on the next one exits the process. */
export const untilStopped = (): Promise<StopSignal> =>
  new Promise(resolve => {
    let stopping = false
    const stop = (signal: StopSignal): void => {
      if (stopping) process.exit(exitOf[signal])
      stopping = true
      resolve(signal)
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal))
  })
