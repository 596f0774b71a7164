/** Values of the configuration as people may see them, and as they are compared. */
import { Secret } from '../adapters/secret.ts'
import { maskUrls } from '../observe/mask-urls.ts'
import { PROFILES } from '../restream/profiles.ts'

const profileKey = new RegExp(`^(${Object.keys(PROFILES).join('|')}):.+`, 's')

const walk = (value: unknown, leaf: (value: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return value.map(item => walk(item, leaf))
  if (typeof value !== 'object' || value === null || value instanceof Secret) return leaf(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, leaf)]))
}

/** Plain data without keys, passwords and stream keys; what is not set is null. */
export const shown = (value: unknown): unknown =>
  walk(value, leaf => {
    if (typeof leaf === 'string') return maskUrls(leaf).replace(profileKey, '$1:***')
    return leaf instanceof Secret ? String(leaf) : (leaf ?? null)
  })

/** Equal texts are equal values; a key that differs makes it differ, and is not in it. */
export const fingerprint = (value: unknown): string =>
  JSON.stringify(walk(value, leaf => (leaf instanceof Secret ? leaf.fingerprint : (leaf ?? null))))
