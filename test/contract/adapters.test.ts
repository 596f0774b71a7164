/** Every adapter in the list keeps the contract, and the list is one that a gateway can choose from. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adapters } from '../../src/adapters/index.ts'
import { describeAdapter } from './adapter-contract.ts'

for (const adapter of adapters) describeAdapter(adapter)

describe('the list of adapters', () => {
  test('has each name and each scheme once', () => {
    const names = adapters.map(({ name }) => name)
    const schemes = adapters.flatMap(adapter => adapter.schemes)
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(schemes).size).toBe(schemes.length)
  })

  test('has every folder of src/adapters', () => {
    const folder = join(import.meta.dirname, '..', '..', 'src', 'adapters')
    const folders = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
    expect(folders.map(({ name }) => name).sort()).toEqual(adapters.map(({ name }) => name).sort())
  })
})
