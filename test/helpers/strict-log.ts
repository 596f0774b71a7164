import { inspect } from 'node:util'
import type { Logger } from '../../src/adapters/adapter.ts'

/** Keeps faults of ours: lines of level error with an exception. That a peer or a destination failed is no such fault. */
export const strictLog = (faults: string[]): Logger => {
  const ignore = (): void => undefined
  const error = (fields: { readonly err?: unknown }, message: string): void => {
    if (fields.err !== undefined) faults.push(`${message}: ${inspect(fields.err)}`)
  }
  const logger: Logger = { child: () => logger, debug: ignore, info: ignore, warn: ignore, error }
  return logger
}
