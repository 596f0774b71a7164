/** Every adapter in the list keeps the contract, and the list is one that a gateway can choose from. */
import { existsSync, readdirSync } from 'node:fs'
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

  test('has one for each of its names in a folder of that name, with adapter.ts and config.ts', () => {
    const folder = join(import.meta.dirname, '..', '..', 'src', 'adapters')
    const files = adapters.flatMap(({ name }) => [`${name}/adapter.ts`, `${name}/config.ts`])
    expect(files.filter(file => !existsSync(join(folder, file)))).toEqual([])
  })

  test('has every folder of src/adapters', () => {
    const folder = join(import.meta.dirname, '..', '..', 'src', 'adapters')
    const folders = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
    expect(folders.map(({ name }) => name).sort()).toEqual(adapters.map(({ name }) => name).sort())
  })
})
