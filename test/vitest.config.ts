import { defineConfig } from 'vitest/config'

/** Two projects: fast tests in parallel, tests that start real programs (ffmpeg, Chromium, servers) one file at a time. */
const slow = ['interop', 'soak', 'recipes', 'cli']
export default defineConfig({
  test: {
    root: import.meta.dirname,
    pool: 'forks',
    reporters: ['default', './helpers/closing-line-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['**/*.test.ts'],
          exclude: slow.map(folder => `${folder}/**`),
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: slow.map(folder => `${folder}/**/*.test.ts`),
          fileParallelism: false,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
