/** The bridges that the configuration names: those that are new are started, those that are gone are ended. */
import { fingerprint } from '../config/shown.ts'
import type { Bridge } from './bridge.ts'

export interface ConfiguredBridges<Entry> {
  /** From now on these; an entry that stays as it is goes on undisturbed. */
  apply(entries: readonly Entry[]): Promise<void>
}

export const createConfiguredBridges = <Entry>(start: (entry: Entry) => Bridge): ConfiguredBridges<Entry> => {
  /** By content; equal entries are that many bridges. */
  let running: readonly (readonly [content: string, bridge: Bridge])[] = []
  return {
    async apply(entries) {
      const before = [...running]
      const kept = entries.map(entry => {
        const content = fingerprint(entry)
        const at = before.findIndex(([other]) => other === content)
        return at < 0 ? ([content, entry] as const) : before.splice(at, 1)[0]!
      })
      const gone = { code: 'unpublished', detail: 'it is no longer in the configuration' } as const
      // First those that end: a new one may have the same destination.
      await Promise.all(before.map(([, bridge]) => bridge.close(gone)))
      running = kept.map(([content, item]) => [content, isBridge(item) ? item : start(item)])
    },
  }
}

const isBridge = <Entry>(item: Entry | Bridge): item is Bridge =>
  typeof item === 'object' && item !== null && 'info' in item && 'closed' in item
