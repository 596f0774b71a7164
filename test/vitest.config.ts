import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/**
 * Three projects, one after the other: fast tests; tests that start real programs (ffmpeg, servers), two files at a
 * time, for most of it is waiting for media that comes in real time; and those that need the processor for themselves:
 * who starts a browser, if he does not say "Need not run alone", and who says "Runs alone:" and why.
 */
const slow = ['interop', 'soak', 'recipes', 'cli'].map(folder => `${folder}/**/*.test.ts`)
const needsAll = (file: string): boolean => {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8')
  return /helpers\/chromium\.ts|Runs alone:/.test(text) && !text.includes('Need not run alone')
}
const alone = globSync(slow, { cwd: import.meta.dirname }).filter(needsAll)

export default defineConfig({
  // As users of the library name it.
  resolve: { alias: { crosspoint: join(import.meta.dirname, '../src/index.ts') } },
  test: {
    root: import.meta.dirname,
    pool: 'forks',
    reporters: ['default', './helpers/closing-line-reporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: ['**/*.test.ts'], exclude: slow, testTimeout: 20_000 },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: slow,
          exclude: alone,
          maxWorkers: 2,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          fileParallelism: false,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
